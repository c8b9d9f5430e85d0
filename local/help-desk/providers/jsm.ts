import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  type CreateDesk,
  type DeskRequest,
  type Handler,
  memberOf,
  Refusal,
  readBody,
  tokenOf,
} from '../api.ts';
import type { LocalTicket } from '../store.ts';

const BASE = '/jsm/ops/integration/v2/alerts';

const Responder = z
  .object({ type: z.enum(['team', 'user', 'escalation', 'schedule']) })
  .catchall(z.string())
  .refine((responder) => Object.keys(responder).length > 1, 'must have id, name or username');

/** Lengths from the reference of "Create alert". Longer tags, aliases and messages are refused, the rest is cut. */
const Alert = z.object({
  message: z.string().min(1).max(130),
  alias: z.string().max(512).optional(),
  description: z.string().max(15_000).optional(),
  responders: z.array(Responder).max(50).optional(),
  visibleTo: z.array(Responder).max(50).optional(),
  actions: z.array(z.string().max(50)).max(10).optional(),
  tags: z.array(z.string().max(50)).max(20).optional(),
  details: z
    .record(z.string(), z.string())
    .refine((details) => JSON.stringify(details).length <= 8000, 'must not exceed 8000 characters')
    .optional(),
  entity: z.string().max(512).optional(),
  source: z.string().max(100).optional(),
  priority: z.enum(['P1', 'P2', 'P3', 'P4', 'P5']).default('P3'),
  user: z.string().max(100).optional(),
  note: z.string().max(25_000).optional(),
});
const Action = z.object({
  user: z.string().max(100).optional(),
  source: z.string().max(100).optional(),
  note: z.string().max(25_000).optional(),
});
const Note = Action.extend({ note: z.string().min(1).max(25_000) });
const Details = Action.extend({ details: z.record(z.string(), z.string()) });
const Tags = Action.extend({ tags: z.array(z.string().max(50)).max(20) });
const Priority = z.object({ priority: Alert.shape.priority.unwrap() });
const Message = z.object({ message: Alert.shape.message });
const Description = z.object({ description: z.string().min(1).max(15_000) });

/** What became of a request that was taken. */
interface Processed {
  readonly success: boolean;
  readonly status: string;
  readonly alertId: string;
  readonly alias: string;
}

/** Jira Service Management: alerts by the integration events API, which takes requests and works on them afterwards. */
export const jsm: CreateDesk = ({ url, credentials, shelf }) => {
  const apiKey = credentials.secret('apiKey', 18);

  const answer = (status: number, message: string, errors?: Record<string, string>) =>
    new Refusal(status, { message, ...(errors && { errors }), took: 0.001, requestId: randomUUID() });
  const malformed = () =>
    answer(422, 'Request body is not processable. Please check the errors.', { body: 'Invalid JSON' });
  const refuse = (issues: readonly z.core.$ZodIssue[]) =>
    answer(
      422,
      'Request body is not processable. Please check the errors.',
      Object.fromEntries(issues.map((issue) => [memberOf(issue), issue.message])),
    );
  const unauthorized = () => answer(401, 'Could not authenticate');

  const authenticated =
    (handler: Handler): Handler =>
    (request) => {
      if (tokenOf('GenieKey', request.headers.authorization) !== apiKey) throw unauthorized();
      return handler(request);
    };

  function accepted(processed: Processed) {
    const requestId = randomUUID();
    shelf.remember(`request ${requestId}`, JSON.stringify(processed));
    return { status: 202, body: { result: 'Request will be processed', took: 0.01, requestId } };
  }

  /** The alert that a request names: by id, or by the alias of one that is not closed. */
  function named({ params, query }: DeskRequest): LocalTicket | undefined {
    const { id = '' } = params;
    if (query.get('identifierType') !== 'alias') return shelf.find(id);
    return shelf.all().find(({ externalId, state }) => externalId === id && state === 'open');
  }

  /** A request about an alert. That it does not exist comes out after the request was taken. */
  const about = <Schema extends z.ZodType>(
    schema: Schema,
    act: (alert: LocalTicket, body: z.output<Schema>) => [LocalTicket, string],
  ) =>
    authenticated((request) => {
      const body = readBody(request, schema, malformed, refuse);
      const alert = named(request);
      if (!alert) {
        const status = 'Alert does not exist';
        return accepted({ success: false, status, alertId: '', alias: request.params.id ?? '' });
      }
      shelf.save(...act(alert, body));
      const alias = alert.externalId ?? alert.id;
      return accepted({ success: true, status: 'Processed', alertId: alert.id, alias });
    });

  const changed = (alert: LocalTicket, record: object): LocalTicket => ({
    ...alert,
    record: { ...alert.record, ...record },
  });

  return {
    routes: {
      [`POST ${BASE}`]: authenticated((request) => {
        const alert = readBody(request, Alert, malformed, refuse);
        const alias = alert.alias ?? randomUUID();
        const known = shelf.all().find(({ externalId, state }) => externalId === alias && state === 'open');
        const id = known?.id ?? randomUUID();
        const count = Number(known?.record.count ?? 0) + 1;
        shelf.save(
          {
            id,
            externalId: alias,
            title: known?.title ?? alert.message,
            state: 'open',
            status: known?.status ?? 'open',
            priority: known?.priority ?? alert.priority,
            // A second alert of an alias that is open only counts.
            record: known ? { ...known.record, count } : { ...alert, alias, count },
          },
          alert.description ?? alert.message,
        );
        const status = known ? 'Alert deduplicated' : 'Created alert';
        return accepted({ success: true, status, alertId: id, alias });
      }),
      [`POST ${BASE}/:id/close`]: about(Action, (alert, { note }) => [
        { ...alert, state: 'resolved', status: 'closed' },
        note ?? 'closed',
      ]),
      [`POST ${BASE}/:id/acknowledge`]: about(Action, (alert, { note }) => [
        { ...alert, status: 'acknowledged' },
        note ?? 'acknowledged',
      ]),
      [`POST ${BASE}/:id/notes`]: about(Note, (alert, { note }) => [alert, note]),
      [`POST ${BASE}/:id/details`]: about(Details, (alert, { details, note }) => [
        changed(alert, { details: { ...Object(alert.record.details), ...details } }),
        note ?? 'details',
      ]),
      [`POST ${BASE}/:id/tags`]: about(Tags, (alert, { tags, note }) => [
        changed(alert, { tags: [...new Set([...Object(alert.record.tags ?? []), ...tags])] }),
        note ?? tags.join(', '),
      ]),
      [`PUT ${BASE}/:id/priority`]: about(Priority, (alert, { priority }) => [
        { ...changed(alert, { priority }), priority },
        `priority ${priority}`,
      ]),
      [`PUT ${BASE}/:id/message`]: about(Message, (alert, { message }) => [
        { ...changed(alert, { message }), title: message },
        message,
      ]),
      [`PUT ${BASE}/:id/description`]: about(Description, (alert, { description }) => [
        changed(alert, { description }),
        description,
      ]),
      [`GET ${BASE}/requests/:id`]: authenticated(({ params }) => {
        const processed = shelf.recall(`request ${params.id}`);
        if (!processed) throw answer(404, 'Request not found. It might not be processed yet');
        const data: Processed = JSON.parse(processed);
        return {
          status: 200,
          body: { data: { ...data, isSuccess: data.success }, took: 0.001, requestId: params.id },
        };
      }),
      [`GET ${BASE}/:id`]: authenticated((request) => {
        const alert = named(request);
        if (!alert) throw answer(404, `Alert with id [${request.params.id}] does not exist`);
        const { id, status, record } = alert;
        return {
          status: 200,
          body: { data: { ...record, id, status }, took: 0.001, requestId: randomUUID() },
        };
      }),
    },
    connections: [{ url, apiKey }],
    unavailable: () => answer(503, 'Service unavailable').response,
    throttled: (seconds) => ({
      ...answer(429, 'You are making too many requests!').response,
      headers: { 'retry-after': String(seconds), 'x-ratelimit-state': 'THROTTLED' },
    }),
    unauthorized: () => unauthorized().response,
    missing: () => answer(404, 'No API endpoint was found').response,
  };
};
