import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { type CreateDesk, memberOf, Refusal, readBody } from '../api.ts';

/** How old a signed request may be, and how far ahead its clock, seconds. */
const TOLERANCE_SECONDS = 300;

const EVENTS = ['open', 'update', 'resolve', 'reopen'] as const;

const Headers = z.object({
  'x-millrace-timestamp': z.string().regex(/^\d{10}$/),
  'x-millrace-signature': z.string().regex(/^sha256=[0-9a-f]{64}$/),
  'x-millrace-event': z.enum(EVENTS),
  'idempotency-key': z.string().min(1).max(255),
});

/** The members that a receiver can rely on; there may be more. */
const Ticket = z.looseObject({
  externalId: z.string().min(1),
  severity: z.enum(['critical', 'error', 'warning', 'info']),
  pipeline: z.string().min(1),
  title: z.string().min(1),
  summary: z.string().min(1),
});
const Body = z.looseObject({ ticket: Ticket });

/** A receiver of Millrace's own signed webhook. */
export const webhook: CreateDesk = ({ url, credentials, shelf, clock }) => {
  const signingSecret = credentials.secret('signingSecret', 32);

  const refuse = (status: number, error: string) => new Refusal(status, { error });
  const unauthorized = (reason: string) => refuse(401, reason);

  return {
    routes: {
      'POST /': (request) => {
        const parsed = Headers.safeParse(request.headers);
        if (!parsed.success) {
          const names = parsed.error.issues.map((issue) => memberOf(issue)).join(', ');
          throw refuse(400, `Missing or wrong headers: ${names}`);
        }
        const { data: headers } = parsed;
        const timestamp = headers['x-millrace-timestamp'];
        const expected = createHmac('sha256', signingSecret).update(`${timestamp}.${request.body}`).digest();
        const given = Buffer.from(headers['x-millrace-signature'].slice('sha256='.length), 'hex');
        if (!timingSafeEqual(expected, given)) throw unauthorized('The signature is wrong.');
        // Functions live in the machine's time, also where the runtime's clock was moved.
        const age = Math.min(
          ...[clock.now(), Date.now()].map((now) => Math.abs(now / 1000 - Number(timestamp))),
        );
        if (age > TOLERANCE_SECONDS) throw unauthorized('The timestamp is too far from now.');
        const body = readBody(
          request,
          Body,
          () => refuse(400, 'The body is not JSON.'),
          (issues) => refuse(422, issues.map((issue) => `${memberOf(issue)}: ${issue.message}`).join('; ')),
        );
        const { externalId, title, summary, severity } = body.ticket;
        const key = `key ${headers['idempotency-key']}`;
        if (shelf.recall(key) === undefined) {
          const isOver = headers['x-millrace-event'] === 'resolve';
          shelf.save(
            {
              id: externalId,
              externalId,
              title,
              state: isOver ? 'resolved' : 'open',
              status: headers['x-millrace-event'],
              priority: severity,
              record: body,
            },
            summary,
          );
          shelf.remember(key, '');
        }
        return { status: 200, body: { id: externalId } };
      },
    },
    connections: [{ url, signingSecret }],
    unavailable: () => refuse(503, 'unavailable').response,
    throttled: (seconds) => ({
      ...refuse(429, 'too many requests').response,
      headers: { 'retry-after': String(seconds) },
    }),
    unauthorized: () => unauthorized('The signature is wrong.').response,
    missing: () => refuse(404, 'not found').response,
  };
};
