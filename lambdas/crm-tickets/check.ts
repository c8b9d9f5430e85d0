import { createHash } from 'node:crypto';
import { customers } from '../../datasets/customers.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import { tickets } from '../../datasets/tickets.ts';
import { type Problem, rowValidator } from '../shared/dataset/validate.ts';
import type { Row } from '../shared/dataset/values.ts';
import { cutBytes } from '../shared/unicode.ts';
import type { Counts, Records, TicketRecord } from './contract.ts';

/** A row that may be published, and its record's number on the page, from 1. */
export interface CheckedRow {
  readonly line: number;
  readonly row: Row;
}

/** Line of a quarantine file: one problem of one record. */
export type Quarantined = Problem & { readonly line: number };

export interface CheckedRows {
  readonly counts: Counts;
  readonly rows: readonly CheckedRow[];
  readonly quarantined: readonly Quarantined[];
}

/** What is known of a ticket's text. Nothing of it is personal data. */
export interface TextAnalysis {
  readonly language: string;
  readonly sentiment: string;
  readonly sentimentScore: number | null;
  /** Null where personal data cannot be found in the text's language. */
  readonly subject: string | null;
}

const validators = { tickets: rowValidator(tickets), customers: rowValidator(customers) };
export const CRM_DATASETS: Readonly<Record<'tickets' | 'customers', Dataset>> = { tickets, customers };

/** Rows of the page's customers. */
export function checkCustomers(records: Records): CheckedRows {
  return check(
    'customers',
    records.customers.map((customer) => ({ ...customer })),
  );
}

/**
 * Rows of the page's tickets.
 * @param analysisOf what is known of the text with a digest; a ticket whose text nobody has analysed has none
 */
export function checkTickets(
  records: Records,
  analysisOf: (sha256: string) => TextAnalysis | undefined = () => undefined,
): CheckedRows {
  const rows = records.tickets.map((ticket) => {
    const sha256 = digestOf(textOf(ticket));
    const analysis = sha256 === null ? undefined : analysisOf(sha256);
    return {
      ...ticket,
      subject: analysis?.subject == null ? null : cutBytes(analysis.subject, MAX_SUBJECT_BYTES),
      tags: tagsOf(ticket.tags),
      text_sha256: sha256,
      language: analysis?.language,
      sentiment: analysis?.sentiment,
      sentiment_score: analysis?.sentimentScore,
    };
  });
  return check('tickets', rows);
}

const MAX_SUBJECT_BYTES = bytesOf('subject');
const MAX_TAGS_BYTES = bytesOf('tags');
/** Bytes of a ticket's text that are analysed: a mood shows in less, and each hundred characters cost. */
export const MAX_TEXT_BYTES = 10_000;

function bytesOf(column: string): number {
  const found = tickets.columns.find(({ name }) => name === column);
  if (found?.maxBytes === undefined) throw new Error(`tickets.${column} has no length`);
  return found.maxBytes;
}

/** What of a ticket is analysed: its subject is the first line. Empty where it says nothing. */
export function textOf({ subject, description }: TicketRecord): string {
  const [first, rest] = [subject, description].map((value) =>
    typeof value === 'string' ? value.trim() : '',
  );
  const text = `${(first ?? '').replace(/\s+/g, ' ')}\n\n${rest}`.toWellFormed();
  return text.trim() === '' ? '' : cutBytes(text, MAX_TEXT_BYTES);
}

/** Name of a text: the same text is analysed once. Null for one that says nothing. */
export function digestOf(text: string): string | null {
  return text === '' ? null : createHash('sha256').update(text).digest('hex');
}

/** As many tags as fit. */
function tagsOf(tags: unknown): string {
  const kept = Array.isArray(tags) ? tags.map(String) : [];
  let text = JSON.stringify(kept);
  while (Buffer.byteLength(text) > MAX_TAGS_BYTES) {
    kept.pop();
    text = JSON.stringify(kept);
  }
  return text;
}

function check(
  name: 'tickets' | 'customers',
  records: readonly Readonly<Record<string, unknown>>[],
): CheckedRows {
  const rows: CheckedRow[] = [];
  const quarantined: Quarantined[] = [];
  for (const [i, record] of records.entries()) {
    const line = i + 1;
    const checked = validators[name].check(record);
    if ('row' in checked) rows.push({ line, row: checked.row });
    else quarantined.push(...checked.problems.map((problem) => ({ line, ...problem })));
  }
  const read = records.length;
  return { counts: { read, accepted: rows.length, quarantined: read - rows.length }, rows, quarantined };
}
