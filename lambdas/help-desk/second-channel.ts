import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { DeskTicket, Provider, Ticket } from './contract.ts';

/** Longest subject that SNS takes: characters, ASCII, on one line (Publish, API reference). */
const MAX_SUBJECT = 100;

/**
 * The second channel as a desk: it is told when an incident begins and when it is over, and of nothing in between. It
 * keeps nothing, so that a crash can make it say the same twice. What is for information only, a canary's failing file
 * for example, it keeps to itself: a mail that nobody has to act on, every day, teaches not to read them.
 */
export function secondChannel(sns: Pick<SNSClient, 'send'>, topicArn: string): Provider {
  const tell = async (word: string, ticket: Ticket): Promise<DeskTicket> => {
    if (ticket.severity === 'info') return { id: ticket.externalId };
    await sns.send(
      new PublishCommand({
        TopicArn: topicArn,
        Subject: subject(`${word}: ${ticket.title}`),
        Message: message(ticket),
      }),
    );
    return { id: ticket.externalId };
  };
  return {
    open: (ticket) => tell('Open', ticket),
    reopen: (ticket) => tell('Open again', ticket),
    update: async () => {},
    resolve: async (ticket) => {
      await tell('Resolved', ticket);
    },
  };
}

function subject(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .slice(0, MAX_SUBJECT)
    .trim();
}

function message(ticket: Ticket): string {
  const { severity, pipeline, owner, summary, count, members, firstAt, lastAt, command, links } = ticket;
  const lines: readonly (string | undefined)[] = [
    summary,
    '',
    `Severity: ${severity}`,
    `Pipeline: ${pipeline}`,
    owner && `Owner: ${owner}`,
    `Happened: ${count === 1 ? 'once' : `${count} times`}, from ${firstAt} to ${lastAt}`,
    members > 0 ? `Waits for: ${members}` : undefined,
    ticket.resolvedAt && `Over since: ${ticket.resolvedAt}`,
    command && `Command: ${command}`,
    ...links.map(({ label, url }) => `${label}: ${url}`),
    '',
    'No help desk is connected for this incident, so nobody else was told.',
  ];
  return lines.filter((line) => line !== undefined).join('\n');
}
