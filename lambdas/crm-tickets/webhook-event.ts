import * as z from 'zod/mini';

/** A ticket that something has happened to: what waits in the queue. Nothing that anybody wrote is in it. */
export interface TicketEvent {
  readonly eventId: string;
  readonly ticketId: string;
  /** For example `status_changed`. */
  readonly type: string;
  /** When it happened; ISO 8601. */
  readonly time: string;
}

export const TicketEventSchema: z.ZodMiniType<TicketEvent> = z.object({
  eventId: z.string(),
  ticketId: z.string().check(z.regex(/^\d{1,20}$/)),
  type: z.string(),
  time: z.string(),
});

/** What can happen to a ticket (Zendesk, "Ticket events" of the webhook event types). */
const TYPES = [
  'agent_assignment_changed',
  'attachment_linked_to_comment',
  'attachment_redacted_from_comment',
  'brand_changed',
  'comment_added',
  'comment_made_private',
  'comment_redacted',
  'created',
  'custom_field_changed',
  'custom_status_changed',
  'description_changed',
  'email_ccs_changed',
  'external_id_changed',
  'followers_changed',
  'form_changed',
  'group_assignment_changed',
  'marked_as_spam',
  'merged',
  'next_sla_breach_changed',
  'ola_policy_changed',
  'organization_changed',
  'permanently_deleted',
  'priority_changed',
  'problem_link_changed',
  'requester_changed',
  'schedule_changed',
  'sla_policy_changed',
  'soft_deleted',
  'status_changed',
  'subject_changed',
  'submitter_changed',
  'tags_changed',
  'task_due_at_changed',
  'type_changed',
  'undeleted',
] as const;

const PREFIX = 'zen:event-type:ticket.';

/** Versions of the frame that events come in, as far as it is known. */
const VERSIONS = ['2022-06-20', '2022-11-06'] as const;

const Event = z.object({
  type: z.enum(TYPES.map((type) => `${PREFIX}${type}` as const)),
  account_id: z.number(),
  id: z.string().check(z.minLength(1), z.maxLength(200)),
  time: z.string().check(z.minLength(1), z.maxLength(40)),
  zendesk_event_version: z.enum(VERSIONS),
  subject: z.string().check(z.regex(/^zen:ticket:\d{1,20}$/)),
  detail: z.looseObject({ id: z.string().check(z.regex(/^\d{1,20}$/)) }),
  event: z.looseObject({}),
});

/**
 * An event of Zendesk. Only which ticket it is about is taken from it: its detail leaves out who asked, has other words
 * for the same states, and may be older than the ticket is by now. The ticket itself is asked for, whole, so that
 * events and export bring the same rows in whatever order they come.
 * @returns undefined for what is no event of a ticket, or of a version that nobody has looked at
 */
export function ticketEventOf(value: unknown): TicketEvent | undefined {
  const result = z.safeParse(Event, value);
  if (!result.success) return undefined;
  const { type, id, time, subject, detail } = result.data;
  if (subject !== `zen:ticket:${detail.id}`) return undefined;
  return { eventId: id, ticketId: detail.id, type: type.slice(PREFIX.length), time };
}
