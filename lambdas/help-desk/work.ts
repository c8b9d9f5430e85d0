import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import * as z from 'zod/mini';
import { METRIC } from '../shared/contract.ts';
import { isPermanent, messageOf, nameOf } from '../shared/errors.ts';
import { AGAIN, type Run } from '../shared/handler.ts';
import { parseJson } from '../shared/parse.ts';
import { backOffSeconds, delay } from '../shared/task-worker.ts';
import type { Message } from './incident.ts';
import { normalise } from './normalise.ts';
import { planOf } from './pace.ts';
import { every, type SynchroniseDependencies, synchronise } from './synchronise.ts';
import { take } from './take.ts';
import type { CurrentItem } from './ticket.ts';

export interface WorkDependencies extends SynchroniseDependencies {
  readonly sqs: Pick<SQSClient, 'send'>;
  /** The queue that the messages come from. */
  readonly queueUrl: string;
  /** Where messages go that nobody can read. */
  readonly deadLettersUrl: string;
}

/** A message that should have come back this long ago is not waited for, milliseconds. */
const OVERDUE_MS = 5 * 60_000;
/** A ticket that changes while it is looked at is looked at this often before the message comes again. */
const MOST_LOOKS = 5;
/** Resolved tickets whose desks are looked at again: those of so many days. */
const LOOKS_BACK_DAYS = 3;
/** After this time the rest is left to the next look, milliseconds. */
const LOOK_MS = 45_000;
/** SQS hides a message for twelve hours at most, seconds (ChangeMessageVisibility, API reference). */
const LONGEST_SECONDS = 43_200;

/**
 * Works on one message of the help desk's queue: takes what happened into the tickets, then brings desks up to date.
 * What desks have to be told later, because of a back-off or because they failed, one message for each ticket comes
 * back for; all others are done, since the table holds what they said.
 */
export async function work(
  record: SQSRecord,
  run: Run,
  dependencies: WorkDependencies,
): Promise<typeof AGAIN | undefined> {
  const { settings, now, random } = dependencies;
  let message: Message;
  try {
    message = normalise(parseJson(z.unknown(), record.body, 'message'), settings);
  } catch (error) {
    if (!isPermanent(error)) throw error;
    await bury(record, error, run, dependencies);
    return undefined;
  }
  try {
    const again = await workOn(message, record.messageId, run, dependencies);
    if (again === undefined) return undefined;
    const seconds = Math.ceil((again - now()) / 1_000);
    await delay(record, Math.min(LONGEST_SECONDS, Math.max(1, seconds)), run, dependencies);
    return AGAIN;
  } catch (error) {
    // Ours, not a desk's: the table or a queue. It passes, and the message must not wait for its visibility time-out.
    await delay(
      record,
      backOffSeconds(Number(record.attributes.ApproximateReceiveCount), random),
      run,
      dependencies,
    );
    throw error;
  }
}

/** @returns when the message has to come back, milliseconds since 1970; undefined when it is done */
async function workOn(
  message: Message,
  messageId: string,
  run: Run,
  dependencies: WorkDependencies,
): Promise<number | undefined> {
  if (message.kind === 'look') return look(run, dependencies);
  const { tickets, settings } = dependencies;
  const { ids, isTurned } = await take(message, tickets, settings.reopenHours);
  if (isTurned) run.meter.add(METRIC.openTickets, await tickets.countOpen());
  const times = await every(ids, (id) => bringUpToDate(id, messageId, run, dependencies));
  const left = times.filter((time) => time !== undefined);
  return left.length > 0 ? Math.min(...left) : undefined;
}

/** @returns when the message has to come back for this ticket; undefined when nothing is left, or another does */
async function bringUpToDate(
  id: string,
  messageId: string,
  run: Run,
  dependencies: WorkDependencies,
): Promise<number | undefined> {
  const { tickets, now } = dependencies;
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const ticket = await tickets.current(id);
    if (!ticket) return undefined;
    const again = await synchronise(ticket, run, dependencies);
    if (again === undefined) {
      if (await tickets.awake(ticket, messageId)) return undefined;
      continue;
    }
    const overdue = new Date(now() - OVERDUE_MS).toISOString();
    const isOurs = await tickets.wakeAt(id, messageId, new Date(again).toISOString(), overdue);
    return isOurs ? again : undefined;
  }
  return now() + 1_000;
}

/** Looks at every ticket that a desk may be behind with and no message comes back for; and counts the open ones. */
async function look(run: Run, dependencies: WorkDependencies): Promise<undefined> {
  const { tickets, now } = dependencies;
  const deadline = now() + LOOK_MS;
  const bring = async (ticket: CurrentItem) => {
    if (now() < deadline && !isAwaited(ticket, now())) await synchronise(ticket, run, dependencies);
  };
  let open = 0;
  for await (const ticket of tickets.inState('OPEN')) {
    open++;
    await bring(ticket);
  }
  run.meter.add(METRIC.openTickets, open);
  const since = new Date(now() - LOOKS_BACK_DAYS * 86_400_000).toISOString();
  for await (const ticket of tickets.inState('RESOLVED', since)) {
    // What was over before its desk was ever asked is history.
    if (Object.values(ticket.Desks).some((desk) => planOf(ticket, desk))) await bring(ticket);
  }
}

function isAwaited({ Wake }: CurrentItem, now: number): boolean {
  return Wake !== undefined && Date.parse(Wake.At) > now - OVERDUE_MS;
}

/** Puts a message that nobody can read where its alarm is; coming again would not make it readable. */
async function bury(
  { body }: SQSRecord,
  error: unknown,
  run: Run,
  { sqs, deadLettersUrl }: WorkDependencies,
): Promise<void> {
  run.log.error('The message cannot be read and goes to the dead letter queue.', {
    reason: `${nameOf(error)}: ${messageOf(error)}`,
  });
  await sqs.send(new SendMessageCommand({ QueueUrl: deadLettersUrl, MessageBody: body }));
}
