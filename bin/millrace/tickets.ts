import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { INCIDENT_EVENT, type IncidentDetail } from '../../lambdas/shared/contract.ts';
import { command } from './command.ts';
import type { Deployment } from './deployment.ts';
import { EXIT, ForPeople, NotFound, WrongUsage } from './errors.ts';
import { confirm, type Io, json, note, say, wholeNumber } from './io.ts';
import { type Column, counted, shortened, table } from './table.ts';
import { rowsOf, type TicketItem, ticketsIn } from './tickets-table.ts';
import { shownTime } from './time.ts';

/** The digits of a ticket's id that are shown, enough to name it. */
const SHORT = 12;

const deskOf = ([name, { Id, State, Failure }]: [string, TicketItem['Desks'][string]]) =>
  `${name}${Id ? ` ${Id}` : ''} ${Failure ? `(${Failure.Name})` : State.toLowerCase()}`;

const COLUMNS: readonly Column<TicketItem>[] = [
  { title: 'Ticket', of: ({ pk }) => pk.slice(0, SHORT) },
  { title: 'Severity', of: ({ Severity }) => Severity },
  { title: 'State', of: ({ State }) => State },
  { title: 'Times', right: true, of: ({ Count }) => Count },
  { title: 'Waits for', right: true, of: ({ Members }) => Members || '' },
  { title: 'First (UTC)', of: ({ FirstAt }) => shownTime(FirstAt) },
  { title: 'Last (UTC)', of: ({ LastAt }) => shownTime(LastAt) },
  { title: 'Desks', of: ({ Desks }) => Object.entries(Desks).map(deskOf).join(', ') },
  { title: 'Title', of: ({ Title }) => shortened(Title, 100) },
];

const HISTORY_COLUMNS: readonly Column<Record<string, unknown>>[] = [
  { title: 'Time (UTC)', of: ({ sk }) => shownTime(String(sk).split('#')[0]) },
  { title: 'What', of: ({ Change }) => String(Change ?? '').toLowerCase() },
  { title: 'About', of: ({ About }) => (About === undefined ? '' : String(About)) },
  { title: 'Event', of: eventOf },
];

/** The event of a row without the name of what it is about, which stands beside it. */
function eventOf({ sk, About }: Record<string, unknown>): string {
  const event = String(sk).split('#').slice(1).join('#');
  const isId = /^[0-9a-f]{64}$/.test(String(About));
  return shortened(isId ? event.replace(`#${About}`, '').replaceAll(`${About}`, '<id>') : event, 140);
}

export const tickets = command({
  name: 'tickets',
  summary: 'what the help desk was told: open tickets, all, or one with its history',
  operands: { shown: '[TICKET]', least: 0, most: 1 },
  about: `Lists the open tickets, or shows one with what it waits for and its history. A TICKET is named by the first
digits of its id, as the list shows it, or as a desk shows it. A ticket ends by itself when what it tells of is over;
--resolve ends one that nothing else will, such as that of a run that nobody wants again.`,
  options: {
    all: { type: 'flag', about: 'resolved tickets too' },
    resolve: { type: 'flag', about: 'end the ticket, at its desks too, whatever it still waits for' },
    yes: { type: 'flag', about: 'do it' },
    limit: { type: 'text', value: 'N', about: 'the most resolved tickets (default 50)' },
  },
  examples: [
    'tickets',
    'tickets --all --json',
    'tickets 4f0c2a9be1d7',
    'tickets 4f0c2a9be1d7 --resolve --yes',
  ],
  async run({ io, deployment, json: asJson }, values, [name]) {
    if (values.resolve && name === undefined) throw new WrongUsage('Name the ticket that is to be resolved.');
    const limit = wholeNumber('limit', values.limit ?? '50', { min: 1, max: 10_000 });
    const tickets = { dynamo: deployment.dynamo, table: deployment.output('TicketsTableName') };
    const open = await ticketsIn(tickets, 'OPEN');
    if (name === undefined) {
      const found = values.all ? [...open, ...(await ticketsIn(tickets, 'RESOLVED', limit))] : open;
      if (asJson) json(io, found);
      else if (found.length > 0) say(io, table(found, COLUMNS, io.stdout.columns));
      else note(io, values.all ? 'There are no tickets.' : 'No ticket is open.');
      return EXIT.done;
    }
    // A desk shows the first 32 digits, with the number of the opening behind them.
    const digits = name.toLowerCase().replace(/(-\d+)+$/, '');
    const among = [...open, ...(await ticketsIn(tickets, 'RESOLVED'))];
    const matching = among.filter(({ pk }) => digits.length >= 4 && pk.startsWith(digits));
    const [ticket, ...more] = matching;
    if (!ticket || more.length > 0) {
      throw new NotFound(
        ticket
          ? `${matching.length} tickets begin with ${digits}: give more digits.`
          : `There is no ticket ${name}.`,
      );
    }
    if (values.resolve) return resolve(io, deployment, ticket, { yes: values.yes, json: asJson });
    const rows = await rowsOf(tickets, ticket.pk);
    const members = rows.flatMap(({ sk, Member }) => (Member ? [String(sk).replace(/^MEMBER#/, '')] : []));
    const history = rows.filter(({ sk }) => /^\d{4}-/.test(String(sk)));
    if (asJson) json(io, { ...ticket, members, history });
    else {
      say(io, detailsOf(ticket, members));
      say(io, `\n${table(history, HISTORY_COLUMNS, io.stdout.columns)}`);
    }
    return EXIT.done;
  },
});

/** Tells the help desk that an incident is over. */
async function resolve(
  io: Io,
  { events }: Deployment,
  ticket: TicketItem,
  options: { yes: boolean; json: boolean },
): Promise<number> {
  if (ticket.State === 'RESOLVED') {
    note(io, `It is resolved since ${shownTime(ticket.ResolvedAt)}.`);
    return EXIT.done;
  }
  if (!options.json) say(io, detailsOf(ticket, []));
  if (!(await confirm(io, 'Resolve it?', options))) return EXIT.done;
  const occurredAt = new Date().toISOString();
  const detail: IncidentDetail = {
    eventId: `by-hand:${occurredAt}`,
    key: ticket.Key,
    state: 'RESOLVED',
    severity: 'info',
    pipeline: ticket.Pipeline,
    title: ticket.Title,
    summary: 'Resolved by hand.',
    runbook: ticket.Runbook,
    occurredAt,
  };
  const { source: Source, detailType: DetailType } = INCIDENT_EVENT;
  const { Entries = [] } = await events.send(
    new PutEventsCommand({ Entries: [{ Source, DetailType, Detail: JSON.stringify(detail) }] }),
  );
  const { ErrorCode, ErrorMessage } = Entries[0] ?? {};
  if (ErrorCode) throw new ForPeople(`EventBridge did not take it: ${ErrorCode}: ${ErrorMessage}`);
  if (options.json) json(io, { ticket: ticket.pk, resolved: true });
  else note(io, 'The help desk was told; the ticket is resolved in a moment.');
  return EXIT.done;
}

const MOST_MEMBERS = 20;

function detailsOf(ticket: TicketItem, members: readonly string[]): string {
  const {
    pk,
    Severity,
    State,
    Title,
    Summary,
    Pipeline,
    Count,
    FirstAt,
    LastAt,
    ResolvedAt,
    Runbook,
    Command,
  } = ticket;
  return [
    Title,
    `  ${Severity}, ${State}${ResolvedAt && State === 'RESOLVED' ? ` ${shownTime(ResolvedAt)}` : ''}, ${Pipeline}`,
    `  ${Summary}`,
    `  ${counted(Count, 'time')}, first ${shownTime(FirstAt)}, last ${shownTime(LastAt)}`,
    `  ticket   ${pk}`,
    `  runbook  docs/operations.md#${Runbook}`,
    ...(Command ? [`  mend     ${Command}`] : []),
    ...Object.entries(ticket.Desks).flatMap(([name, desk]) => [
      `  desk     ${deskOf([name, desk])} ${desk.Url ?? ''}`.trimEnd(),
      ...(desk.Failure ? [`           ${desk.Failure.Name}: ${desk.Failure.Message}`] : []),
    ]),
    ...(members.length > 0 ? [`  waits for ${members.length}:`] : []),
    ...members.slice(0, MOST_MEMBERS).map((member) => `           ${member}`),
    ...(members.length > MOST_MEMBERS ? [`           and ${members.length - MOST_MEMBERS} more`] : []),
  ].join('\n');
}
