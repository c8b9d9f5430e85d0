import { dynamo, secrets, sns, sqs } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { sqsBatch } from '../shared/handler.ts';
import { createHttpClient } from '../shared/http/client.ts';
import { parse } from '../shared/parse.ts';
import { Desks } from './desks.ts';
import { isConnected, PROVIDERS } from './providers/index.ts';
import { DESK } from './remote.ts';
import { secondChannel } from './second-channel.ts';
import { DesksSchema, RoutesSchema, SettingsSchema } from './settings.ts';
import { Tickets } from './tickets.ts';
import { type WorkDependencies, work } from './work.ts';

const env = environment([
  'DEAD_LETTERS_URL',
  'DESKS',
  'HELP_DESK',
  'ROUTES',
  'SECOND_CHANNEL_TOPIC_ARN',
  'TASK_QUEUE_URL',
  'TICKETS_TABLE',
]);
const settings = parse(SettingsSchema, env.HELP_DESK, 'variable HELP_DESK');
const desks = parse(DesksSchema, env.DESKS, 'variable DESKS');
const routes = parse(RoutesSchema, env.ROUTES, 'variable ROUTES');

let kept: WorkDependencies | undefined;

function dependencies(): WorkDependencies {
  if (kept) return kept;
  const http = createHttpClient({ remote: DESK, allowPrivate: settings.allowPrivateTargets });
  kept = {
    tickets: new Tickets(dynamo(), env.TICKETS_TABLE),
    desks: new Desks(desks, routes, {
      secrets: secrets(),
      connect: (name, connection) => PROVIDERS[name](connection, http),
      isConnected,
      now: Date.now,
    }),
    secondChannel: secondChannel(sns(), env.SECOND_CHANNEL_TOPIC_ARN),
    settings,
    sqs: sqs(),
    queueUrl: env.TASK_QUEUE_URL,
    deadLettersUrl: env.DEAD_LETTERS_URL,
    now: Date.now,
  };
  return kept;
}

/** Turns alarms, failed executions and incidents into tickets, and brings the desks up to date with them. */
export const handler = sqsBatch((record, run) => work(record, run, dependencies()));
