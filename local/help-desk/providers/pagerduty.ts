import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type CreateDesk, memberOf, Refusal, readBody } from '../api.ts';

/** Largest event (Events API v2, "Size limits"). */
const MAX_BYTES = 512 * 1024;

const Payload = z.object({
  summary: z.string().min(1).max(1024),
  source: z.string().min(1),
  severity: z.enum(['critical', 'error', 'warning', 'info']),
  timestamp: z.iso.datetime({ offset: true }).optional(),
  component: z.string().optional(),
  group: z.string().optional(),
  class: z.string().optional(),
  custom_details: z.union([z.record(z.string(), z.unknown()), z.string()]).optional(),
});

const common = {
  routing_key: z.string().length(32),
  client: z.string().optional(),
  client_url: z.string().optional(),
  links: z.array(z.object({ href: z.url(), text: z.string().optional() })).optional(),
};

const Event = z.discriminatedUnion('event_action', [
  z.object({
    ...common,
    event_action: z.literal('trigger'),
    dedup_key: z.string().max(255).optional(),
    payload: Payload,
  }),
  ...(['acknowledge', 'resolve'] as const).map((action) =>
    z.object({
      ...common,
      event_action: z.literal(action),
      dedup_key: z.string().min(1).max(255),
      payload: Payload.partial().optional(),
    }),
  ),
]);

const invalid = (...errors: string[]) =>
  new Refusal(400, { status: 'invalid event', message: 'Event object is invalid', errors });

/** PagerDuty: Events API v2. */
export const pagerduty: CreateDesk = ({ url, credentials, shelf }) => {
  const routingKey = credentials.secret('routingKey', 16);

  /** The alert of a key that is not resolved. */
  const open = (key: string) =>
    shelf.all().find(({ externalId, state }) => externalId === key && state === 'open');

  return {
    routes: {
      'POST /v2/enqueue': (request) => {
        if (Buffer.byteLength(request.body) > MAX_BYTES) throw new Refusal(413, '');
        const event = readBody(
          request,
          Event,
          () => invalid('JSON is malformed'),
          (issues) => invalid(...issues.map((issue) => `'${memberOf(issue)}' ${issue.message}`)),
        );
        if (event.routing_key !== routingKey) throw invalid('Invalid routing key');
        const key = event.dedup_key ?? randomUUID().replaceAll('-', '');
        const known = open(key);
        if (event.event_action === 'trigger') {
          const { summary, severity } = event.payload;
          shelf.save(
            {
              id: known?.id ?? `P${String(shelf.next('incident')).padStart(6, '0')}`,
              externalId: key,
              title: known?.title ?? summary,
              state: 'open',
              status: known?.status ?? 'triggered',
              priority: severity,
              record: { ...event, routing_key: undefined },
            },
            summary,
          );
        } else if (known) {
          const isOver = event.event_action === 'resolve';
          const status = isOver ? 'resolved' : 'acknowledged';
          shelf.save({ ...known, status, state: isOver ? 'resolved' : 'open' }, status);
        }
        // What concerns no open alert is taken and changes nothing.
        return { status: 202, body: { status: 'success', message: 'Event processed', dedup_key: key } };
      },
    },
    connections: [{ url, routingKey }],
    unavailable: () => ({ status: 500, body: { status: 'error', message: 'Internal Server Error' } }),
    throttled: (seconds) => ({
      status: 429,
      headers: { 'retry-after': String(seconds) },
      body: { status: 'throttle exceeded', message: 'Requests for this service are arriving too quickly.' },
    }),
    // The key is part of the event, so that a wrong one is a wrong event.
    unauthorized: () => invalid('Invalid routing key').response,
    missing: () => ({ status: 404, body: { status: 'not found' } }),
  };
};
