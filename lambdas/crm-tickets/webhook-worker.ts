import { s3, secrets, sfn } from '../shared/clients.ts';
import { METRIC } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { sqsGroup } from '../shared/handler.ts';
import { createHttpClient } from '../shared/http/client.ts';
import { parse, parseJson } from '../shared/parse.ts';
import { connect } from './connect.ts';
import { RawPages } from './raw-pages.ts';
import { SettingsSchema } from './settings.ts';
import { CRM } from './sources/index.ts';
import { TicketEventSchema } from './webhook-event.ts';
import { takeShown } from './webhook-tickets.ts';

const env = environment(['CRM', 'CRM_SECRET_ARN', 'LAKE_BUCKET', 'CRM_STATE_MACHINE_ARN']);
const settings = parse(SettingsSchema, env.CRM, 'variable CRM');

/** A hundred tickets, each with as long a text as Zendesk takes, and who wrote them. */
const LARGEST_ANSWER = 16 * 1024 ** 2;

const http = createHttpClient({
  remote: CRM,
  allowPrivate: settings.allowPrivateTargets,
  totalMs: 30_000,
  maxBytes: LARGEST_ANSWER,
});

/** Takes the tickets that events of the webhook are about. */
export const handler = sqsGroup({
  parse: ({ body }) => [parseJson(TicketEventSchema, body, 'message')],
  work: async (events, { log, meter }) => {
    const source = await connect(settings, env.CRM_SECRET_ARN, { secrets: secrets(), http });
    if (!source) {
      // Once it is connected, the export brings everything.
      log.warn('Nobody has connected the CRM: events were dropped.', { events: events.length });
      return;
    }
    const ids = events.map(({ ticketId }) => ticketId);
    const tickets = await takeShown(source, ids, {
      pages: new RawPages(s3(), env.LAKE_BUCKET),
      sfn: sfn(),
      stateMachineArn: env.CRM_STATE_MACHINE_ARN,
    });
    meter.add(METRIC.ticketsFetched, tickets, { Pipeline: 'crm-tickets' });
    log.info('Tickets of events were taken.', { events: events.length, tickets });
  },
});
