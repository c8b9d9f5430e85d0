import { cut } from '../../shared/unicode.ts';
import type { Ticket, TicketLink } from '../contract.ts';

/** What has happened to a ticket. */
export type Change = 'open' | 'update' | 'resolve' | 'reopen';

/** A part of what a ticket says, before it takes the form that a desk shows. */
export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'facts'; readonly facts: readonly Fact[] }
  | { readonly kind: 'command'; readonly label: string; readonly command: string }
  | { readonly kind: 'links'; readonly links: readonly TicketLink[] };

export interface Fact {
  readonly label: string;
  readonly value: string;
}

/** Bounds that keep every ticket within the limits of every desk, characters. */
const LONGEST = {
  summary: 1_000,
  title: 120,
  fact: 200,
  command: 800,
  links: 6,
  link: 400,
  label: 60,
} as const;

/** What a person on call needs to know of a ticket. */
export function blocksOf(ticket: Ticket, change: Change): Block[] {
  const facts = factsOf(ticket);
  if (change === 'resolve') {
    const since = `It is over since ${moment(ticket.resolvedAt ?? ticket.lastAt)}.`;
    return [
      { kind: 'text', text: `${since} It was: ${summaryOf(ticket)}` },
      { kind: 'facts', facts },
    ];
  }
  const links = linksOf(ticket);
  return [
    { kind: 'text', text: `${LEAD[change]}${summaryOf(ticket)}` },
    { kind: 'facts', facts },
    ...(isWhole(ticket.command)
      ? [{ kind: 'command', label: 'To mend it', command: ticket.command } as const]
      : []),
    ...(links.length > 0 ? [{ kind: 'links', links } as const] : []),
    ...(change === 'open' ? [{ kind: 'text', text: FOOTER } as const] : []),
  ];
}

/** What the sentence of a ticket begins with. */
export const LEAD: Readonly<Record<Change, string>> = {
  open: '',
  update: 'It goes on. ',
  resolve: 'It is over. ',
  reopen: 'It is back. ',
};

const FOOTER = 'Millrace keeps this ticket up to date and resolves it when it is over.';

/** A command that was cut would be another command, so a long one is left to the runbook. */
function isWhole(command: string | undefined): command is string {
  return command !== undefined && command.trim() !== '' && command.length <= LONGEST.command;
}

/** The facts of a ticket, most telling first. */
export function factsOf(ticket: Ticket): Fact[] {
  const { severity, pipeline, owner, count, members, firstAt, lastAt } = ticket;
  const facts = [
    ['Happened', count === 1 ? `once, ${moment(lastAt)}` : `${count} times`],
    ...(count === 1 ? [] : [['First', moment(firstAt)] as const, ['Last', moment(lastAt)] as const]),
    ...(members > 0
      ? [['Waits for', `${members} ${members === 1 ? 'file, load or day' : 'files, loads or days'}`] as const]
      : []),
    ['Severity', severity],
    ['Pipeline', pipeline],
    ...(owner === undefined ? [] : [['Owner', owner] as const]),
  ] as const;
  return facts.map(([label, value]) => ({ label, value: cut(oneLine(value), LONGEST.fact) }));
}

/** The links of a ticket. An address that was cut would lead elsewhere, so long ones are left out. */
export function linksOf({ links }: Ticket): TicketLink[] {
  return links
    .filter(({ url }) => url.length <= LONGEST.link)
    .slice(0, LONGEST.links)
    .map(({ label, url }) => ({ label: cut(oneLine(label) || url, LONGEST.label), url: oneLine(url) }));
}

/** The title of a ticket on one line. @param most characters that the desk takes */
export function titleOf({ title }: Ticket, most: number = LONGEST.title): string {
  return cut(oneLine(title) || 'Incident', most);
}

/** What happened, in a sentence. */
export function summaryOf({ summary }: Ticket): string {
  return cut(oneLine(summary), LONGEST.summary);
}

/** Plain text. @param most characters that the desk takes */
export function plain(blocks: readonly Block[], most: number): string {
  return cut(blocks.map(plainBlock).join('\n\n'), most);
}

function plainBlock(block: Block): string {
  switch (block.kind) {
    case 'text':
      return block.text;
    case 'facts':
      return block.facts.map(({ label, value }) => `${label}: ${value}`).join('\n');
    case 'command':
      return `${block.label}:\n${block.command}`;
    case 'links':
      return block.links.map(({ label, url }) => `${label}: ${url}`).join('\n');
  }
}

/** Whether a browser can open it; a runbook may also be a path in a repository. */
export function isWeb({ url }: TicketLink): boolean {
  return /^https?:$/.test(URL.parse(url)?.protocol ?? '');
}

/** `2026-03-01 09:30:00 UTC` for a moment in ISO 8601. */
function moment(iso: string): string {
  return iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z$/, '$1 $2 UTC');
}

/** Text without line breaks, control characters and halves of characters, which some desks refuse. */
function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}
