import * as z from 'zod/mini';
import { parseJson } from '../../shared/parse.ts';
import type { CustomerRecord, Records, TicketRecord } from '../contract.ts';
import { idOf, isOpen, lowerCase, memberOf, textsOf } from './values.ts';

const Page = z.object({
  tickets: z.array(z.unknown()),
  users: z._default(z.array(z.unknown()), []),
  organizations: z._default(z.array(z.unknown()), []),
});

/** A page of Zendesk's export. */
export function zendeskRecords(body: string): Records {
  const page = parseJson(Page, body, 'page of Zendesk');
  const users = byId(page.users, 'id');
  const organizations = byId(page.organizations, 'id');
  /** Id in the shop where there is one, else in Zendesk. */
  const customerOf = (id: unknown) => idOf(memberOf(users.get(idOf(id)), 'external_id')) ?? idOf(id);
  const requesters = new Set(page.tickets.map((ticket) => idOf(memberOf(ticket, 'requester_id'))));

  const tickets = page.tickets.map((ticket): TicketRecord => {
    const of = (name: string) => memberOf(ticket, name);
    const status = lowerCase(of('status'));
    return {
      ticket_id: idOf(of('id')),
      customer_id: customerOf(of('requester_id')),
      organization_id: idOf(of('organization_id')),
      subject: of('subject'),
      description: of('description'),
      status,
      is_open: isOpen(status),
      priority: lowerCase(of('priority')),
      channel: memberOf(of('via'), 'channel'),
      tags: textsOf(of('tags')),
      created_at: of('created_at'),
      updated_at: of('updated_at'),
      // Other side-loads lie beside the tickets; this one lies in each.
      solved_at: memberOf(of('metric_set'), 'solved_at'),
    };
  });
  const customers = page.users
    // Agents and administrators are no customers, unless they ask for something themselves.
    .filter((user) => memberOf(user, 'role') === 'end-user' || requesters.has(idOf(memberOf(user, 'id'))))
    .map((user): CustomerRecord => {
      const of = (name: string) => memberOf(user, name);
      const organization = idOf(of('organization_id'));
      return {
        customer_id: customerOf(of('id')),
        crm_id: idOf(of('id')),
        name: of('name'),
        email: of('email'),
        organization_id: organization,
        organization: memberOf(organizations.get(organization), 'name'),
        time_zone: of('iana_time_zone') ?? of('time_zone'),
        created_at: of('created_at'),
        updated_at: of('updated_at'),
      };
    });
  return { tickets, customers };
}

function byId(items: readonly unknown[], member: string): ReadonlyMap<string | null, unknown> {
  return new Map(items.map((item) => [idOf(memberOf(item, member)), item]));
}
