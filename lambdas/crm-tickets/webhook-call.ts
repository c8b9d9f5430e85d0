import * as z from 'zod/mini';
import { jsonOf } from '../shared/failure.ts';
import { type TicketEvent, ticketEventOf } from './webhook-event.ts';
import type { Signed } from './webhook-secret.ts';

/** A call of the webhook: an HTTP API's event in the payload format 2.0, whose headers are in lower case. */
export const CallSchema = z.object({
  headers: z.record(z.string(), z.string()),
  body: z.optional(z.string()),
  isBase64Encoded: z._default(z.boolean(), false),
});
export type Call = z.output<typeof CallSchema>;

export interface CallDependencies {
  readonly secret: { hasSigned(signed: Signed): Promise<boolean> };
  /** Events that were taken. */
  readonly taken: { has(eventId: string): Promise<boolean>; add(eventId: string): Promise<void> };
  /** Puts an event into the queue. */
  tell(event: TicketEvent): Promise<void>;
  /** Milliseconds since 1970. */
  now(): number;
}

/** What became of a call. `why` is for the log, and never for who called. */
export type Verdict =
  | { readonly status: 200; readonly event: TicketEvent; readonly isRepeat: boolean }
  | { readonly status: 400 | 401 | 413 | 422; readonly why: string };

/** A signature is good for so long, and as far ahead of our clock, milliseconds. */
const WINDOW_MS = 5 * 60_000;
/** Largest body, bytes. An event of Zendesk has a few kilobytes; a comment may have 64. */
const MAX_BODY_BYTES = 256 * 1024;

const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;
/** 32 bytes. */
const SIGNATURE = /^[A-Za-z0-9+/]{43}=$/;

/**
 * Takes a call that Zendesk has signed within the last five minutes, once.
 *
 * What was taken is known by the id of its event. Zendesk's id of the invocation would say the same of an honest repeat,
 * but no signature covers that header: who has caught a call could send it again under another. An event is in the queue
 * before it counts as taken, so that a crash between the two makes it come twice, which changes nothing, and not never.
 */
export async function receive(call: Call, dependencies: CallDependencies): Promise<Verdict> {
  const { headers } = call;
  const timestamp = headers['x-zendesk-webhook-signature-timestamp'] ?? '';
  const signature = headers['x-zendesk-webhook-signature'] ?? '';
  if (!SIGNATURE.test(signature) || !TIMESTAMP.test(timestamp)) return { status: 401, why: 'no signature' };
  if (!(Math.abs(dependencies.now() - Date.parse(timestamp)) <= WINDOW_MS)) {
    return { status: 401, why: 'signed too long ago, or in the future' };
  }
  const body = Buffer.from(call.body ?? '', call.isBase64Encoded ? 'base64' : 'utf8');
  if (body.length > MAX_BODY_BYTES) return { status: 413, why: `${body.length} bytes` };
  if (!(await dependencies.secret.hasSigned({ timestamp, body, signature }))) {
    return { status: 401, why: 'another signature' };
  }
  const value = jsonOf(body.toString('utf8'));
  if (value === undefined) return { status: 400, why: 'no JSON' };
  const event = ticketEventOf(value);
  if (!event) return { status: 422, why: 'no event of a ticket that is known' };
  const isRepeat = await dependencies.taken.has(event.eventId);
  if (!isRepeat) {
    await dependencies.tell(event);
    await dependencies.taken.add(event.eventId);
  }
  return { status: 200, event, isRepeat };
}
