import { cut } from '../../shared/unicode.ts';
import type { Ticket, TicketLink } from '../contract.ts';
import { type Block, blocksOf, type Change, isWeb, titleOf } from './text.ts';

/** Characters that blocks take (https://docs.slack.dev/reference/block-kit/blocks). */
const LONGEST = { header: 150, section: 3_000 } as const;

/** What a title begins with, so that the list of messages tells how a ticket stands. */
const STANDING: Readonly<Record<Change, string>> = {
  open: 'Open',
  update: 'Open',
  resolve: 'Resolved',
  reopen: 'Open again',
};

interface TextObject {
  readonly type: 'plain_text' | 'mrkdwn';
  readonly text: string;
  readonly emoji?: boolean;
}

type SlackBlock =
  | { readonly type: 'header' | 'section'; readonly text: TextObject }
  | { readonly type: 'section'; readonly fields: readonly TextObject[] }
  | { readonly type: 'rich_text'; readonly elements: readonly unknown[] };

/** A ticket as a message: `text` is what notifications show. */
export function messageOf(ticket: Ticket, change: Change): { text: string; blocks: SlackBlock[] } {
  const headline = `${STANDING[change]}: ${titleOf(ticket)}`;
  return {
    text: escaped(headline),
    blocks: [
      { type: 'header', text: verbatim(cut(headline, LONGEST.header)) },
      ...blocksOf(ticket, change).flatMap(slackBlock),
    ],
  };
}

/** A change of a ticket as a reply below its message. */
export function noteOf(ticket: Ticket, change: Change): string {
  return escaped(`${STANDING[change]}: ${titleOf(ticket)}`);
}

function slackBlock(block: Block): SlackBlock[] {
  switch (block.kind) {
    case 'text':
      return block.text === '' ? [] : [{ type: 'section', text: verbatim(cut(block.text, LONGEST.section)) }];
    case 'facts':
      // Seven at most, of ten that a section takes.
      return [
        {
          type: 'section',
          fields: block.facts.map(({ label, value }) => ({
            type: 'mrkdwn',
            text: `*${escaped(label)}*\n${escaped(value)}`,
          })),
        },
      ];
    case 'command':
      return [
        {
          type: 'rich_text',
          elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: block.command }] }],
        },
      ];
    case 'links':
      return [{ type: 'section', text: { type: 'mrkdwn', text: linesOf(block.links) } }];
  }
}

/** Text that is shown as it is: no markup, no mentions, no emoji. */
const verbatim = (text: string): TextObject => ({ type: 'plain_text', text, emoji: false });

/** As many whole links as a section takes. */
function linesOf(links: readonly TicketLink[]): string {
  return links
    .map(linkOf)
    .reduce(
      (lines, line) => (lines.length + line.length < LONGEST.section ? `${lines}${line}\n` : lines),
      '',
    );
}

function linkOf(link: TicketLink): string {
  const label = escaped(link.label);
  if (!isWeb(link)) return `${label}: ${escaped(link.url)}`;
  // A bar would end the address.
  return `<${escaped(link.url.replaceAll('|', '%7C'))}|${label}>`;
}

/** The three characters by which mentions, links and commands begin (https://docs.slack.dev/messaging/formatting-message-text). */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
