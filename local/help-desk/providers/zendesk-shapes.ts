import { z } from 'zod';
import { memberOf, Refusal } from '../api.ts';
import { STATUSES } from './zendesk-search.ts';

export const TokenRequest = z.object({
  grant_type: z.string(),
  client_id: z.string(),
  client_secret: z.string(),
  scope: z.string().default('read'),
});

const Comment = z.object({
  body: z.string().max(65_536).optional(),
  html_body: z.string().max(65_536).optional(),
  public: z.boolean().default(true),
});
export const Fields = z.object({
  subject: z.string().max(255).optional(),
  comment: Comment.optional(),
  priority: z.enum(['urgent', 'high', 'normal', 'low']).optional(),
  status: z.enum(STATUSES).optional(),
  type: z.enum(['problem', 'incident', 'question', 'task']).optional(),
  tags: z.array(z.string()).optional(),
  external_id: z.string().max(255).optional(),
  assignee_id: z.int().nullable().optional(),
});
export type Fields = z.output<typeof Fields>;
export const Body = z.object({ ticket: Fields });

/** A ticket as it is kept. */
export const ZendeskTicket = z.looseObject({
  id: z.number(),
  url: z.string(),
  status: z.enum(STATUSES),
  tags: z.array(z.string()),
  assignee_id: z.number().nullable(),
  updated_at: z.string(),
  comments: z.array(z.object({ body: z.string(), public: z.boolean(), at: z.string() })),
});
export type ZendeskTicket = z.output<typeof ZendeskTicket>;

export const recordInvalid = (member: string, description: string) =>
  new Refusal(422, {
    error: 'RecordInvalid',
    description: 'Record validation errors',
    details: { [member]: [{ description }] },
  });
export const notFound = () => new Refusal(404, { error: 'RecordNotFound', description: 'Not found' });

/** A wrong type is refused by the parameters' schema, a wrong value by the record's validation. */
export function refuse(issues: readonly z.core.$ZodIssue[]): Refusal {
  const [issue] = issues;
  if (!issue) throw new Error('refused without an issue');
  const member = String(issue.path[1] ?? 'ticket');
  if (issue.code === 'invalid_value') {
    return recordInvalid(member, `${member}: is not included in the list`);
  }
  if (issue.code === 'too_big') return recordInvalid(member, `${member}: is too long`);
  return new Refusal(400, {
    error: {
      title: 'Invalid attribute',
      message: `You passed an invalid value for the ${memberOf(issue).replace(/^ticket\./, '')} attribute. ${issue.message}`,
    },
  });
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

/** What HTML says. */
export const plain = (html: string): string =>
  html
    .replaceAll(/<a [^>]*href="([^"]*)"[^>]*>(.*?)<\/a>/g, '$2: $1')
    .replaceAll(/<(?:br|\/p|\/li|\/pre)[^>]*>/g, '\n')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&(?:#(\d+)|(\w+));/g, (entity, code, name) =>
      code ? String.fromCodePoint(Number(code)) : (ENTITIES[name] ?? entity),
    )
    .trim();
