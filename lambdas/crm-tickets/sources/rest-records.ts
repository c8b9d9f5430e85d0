import { InvalidEvent } from '../../shared/errors.ts';
import { jsonOf } from '../../shared/failure.ts';
import type { CustomerRecord, Mapping, RawPage, Records, TicketRecord } from '../contract.ts';
import { at } from './pointer.ts';
import { idOf, isOpen, lowerCase, textsOf } from './values.ts';

/** A page of a REST source, by the mapping that was in force when it was fetched. */
export function restRecords({ body, mapping }: RawPage): Records {
  if (!mapping) throw new InvalidEvent('The raw page of a REST source has no mapping.');
  const items = itemsOf(jsonOf(body), mapping.items);
  if (!items) throw new InvalidEvent('The raw page of a REST source has no items where its mapping says.');
  const customers = new Map<string | null, CustomerRecord>();
  for (const item of mapping.customer ? items : []) {
    const customer = customerOf(item, mapping.customer ?? {});
    // Who has several tickets of a page is there with each.
    customers.set(idOf(customer.customer_id), customer);
  }
  return { tickets: items.map((item) => ticketOf(item, mapping)), customers: [...customers.values()] };
}

/** The items of a page. */
export function itemsOf(body: unknown, pointer: string): readonly unknown[] | undefined {
  const items = at(body, pointer);
  return Array.isArray(items) ? items : undefined;
}

function ticketOf(item: unknown, { ticket, openStatuses, priorities = {} }: Mapping): TicketRecord {
  const of = member(item, ticket);
  const status = lowerCase(of('status'));
  const priority = lowerCase(of('priority'));
  const isStillOpen = of('is_open') ?? openStatuses?.some((open) => open === status) ?? isOpen(status);
  return {
    ticket_id: idOf(of('ticket_id')),
    customer_id: idOf(of('customer_id')),
    organization_id: idOf(of('organization_id')),
    subject: of('subject'),
    description: of('description'),
    status,
    is_open: isStillOpen,
    priority: typeof priority === 'string' ? (priorities[priority] ?? priority) : priority,
    channel: of('channel'),
    tags: textsOf(of('tags')),
    created_at: of('created_at'),
    updated_at: of('updated_at'),
    solved_at: of('solved_at'),
  };
}

function customerOf(item: unknown, pointers: Readonly<Record<string, string>>): CustomerRecord {
  const of = member(item, pointers);
  const customer_id = idOf(of('customer_id'));
  return {
    customer_id,
    crm_id: idOf(of('crm_id')) ?? customer_id,
    name: of('name'),
    email: of('email'),
    organization_id: idOf(of('organization_id')),
    organization: of('organization'),
    time_zone: of('time_zone'),
    created_at: of('created_at'),
    updated_at: of('updated_at'),
  };
}

/** The value of a column; a pointer that does not begin with a slash is the value itself. */
function member(item: unknown, pointers: Readonly<Record<string, string>>): (column: string) => unknown {
  return (column) => {
    const pointer = pointers[column];
    return pointer === undefined ? undefined : at(item, pointer);
  };
}
