import type { LocalTicket } from '../help-desk/index.ts';
import type { FileState } from './deployment.ts';

/** One file of the report. Members that do not apply are null. */
export interface FileReport {
  readonly fileName: string;
  readonly fileId: string;
  readonly status: string;
  readonly reason: string | null;
  readonly kind: string | null;
  readonly pages: number | null;
  /** Of tabular files: rows that were taken in, and rows that went to quarantine. */
  readonly rows: number | null;
  readonly quarantined: number | null;
  readonly language: string | null;
  readonly sentiment: string | null;
  readonly sentimentScore: number | null;
  /** S3 address of the plain extracted text. */
  readonly textUri: string | null;
  /** Executions of its pipeline for this file. */
  readonly executions: number;
  readonly loaded: boolean;
  /** From landing to outcome. */
  readonly seconds: number | null;
}

export interface Report {
  readonly seconds: number;
  readonly files: readonly FileReport[];
  /** Rows of the warehouse's tables. */
  readonly warehouse: Readonly<Record<WarehouseTable, number>>;
  /** Tickets at the help desk of this machine, oldest first. */
  readonly tickets: readonly TicketReport[];
}

/** Tables whose rows the report counts. */
export const WAREHOUSE_TABLES = ['documents', 'sales', 'tickets', 'customers'] as const;
export type WarehouseTable = (typeof WAREHOUSE_TABLES)[number];

/** One ticket of the report. */
export interface TicketReport {
  readonly desk: string;
  readonly id: string;
  readonly title: string;
  readonly state: 'open' | 'resolved';
  readonly priority: string | null;
  readonly openedAt: string;
  readonly updatedAt: string;
  readonly resolvedAt: string | null;
}

export function ticketReport(ticket: LocalTicket): TicketReport {
  const { desk, id, title, state, priority, openedAt, updatedAt, resolvedAt } = ticket;
  return { desk, id, title, state, priority, openedAt, updatedAt, resolvedAt };
}

export interface TrackedFile {
  readonly fileId: string;
  readonly fileName: string;
}

export function fileReport(file: TrackedFile, state: FileState | undefined, executions: number): FileReport {
  const result: Readonly<Record<string, unknown>> = state?.result ?? {};
  return {
    fileName: file.fileName,
    fileId: file.fileId,
    status: state?.status ?? 'RECEIVED',
    reason: state?.reason ?? null,
    kind: text(result.kind),
    pages: number(result.pages),
    rows: number(result.rows),
    quarantined: number(result.quarantined),
    language: text(result.language),
    sentiment: text(result.sentiment),
    sentimentScore: number(result.sentimentScore),
    textUri: text(result.textUri),
    executions,
    loaded: isLoaded(state),
    seconds: secondsOf(state),
  };
}

/** Whether the file needs nothing more: it has its outcome and, where it succeeded, is loaded. */
export function isDone(state: FileState | undefined): boolean {
  if (!state || !FINAL.has(state.status)) return false;
  return state.status !== 'SUCCEEDED' || isLoaded(state);
}

export function isLoaded(state: FileState | undefined): boolean {
  return state?.loadStatus === 'LOADED' || state?.loadStatus === 'PUBLISHED';
}

/** Whether the run ended as it should for this file. */
export function isGood(file: FileReport): boolean {
  return file.status === 'REJECTED' || (file.status === 'SUCCEEDED' && file.loaded);
}

const FINAL: ReadonlySet<string> = new Set(['SUCCEEDED', 'REJECTED', 'HELD', 'FAILED']);

function secondsOf(state: FileState | undefined): number | null {
  if (!state?.receivedAt || !state.timestamp || !FINAL.has(state.status)) return null;
  return Math.max(0, Date.parse(state.timestamp) - Date.parse(state.receivedAt)) / 1000;
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

const COLUMNS: readonly { title: string; right?: boolean; of: (file: FileReport) => string }[] = [
  { title: 'File', of: (file) => printable(file.fileName.replace(/^documents\//, '')) },
  { title: 'Outcome', of: (file) => file.status },
  { title: 'Pages', right: true, of: (file) => String(file.pages ?? '') },
  { title: 'Rows', right: true, of: rowsOf },
  { title: 'Language', of: (file) => file.language ?? '' },
  { title: 'Sentiment', of: (file) => file.sentiment ?? '' },
  { title: 'Loaded', of: (file) => (file.loaded ? 'yes' : '') },
  { title: 'Seconds', right: true, of: (file) => file.seconds?.toFixed(1) ?? '' },
  { title: 'Reason', of: (file) => printable(file.reason ?? '') },
];

/** `114 of 120` where some went to quarantine. */
function rowsOf({ rows, quarantined }: FileReport): string {
  if (rows === null) return '';
  return quarantined ? `${rows} of ${rows + quarantined}` : String(rows);
}

/** The report as a table for people. */
export function table(files: readonly FileReport[]): string {
  return grid(
    COLUMNS,
    files.map((file) => COLUMNS.map((column) => column.of(file))),
  );
}

/** Rows below their titles, in columns. */
export function grid(
  columns: readonly { readonly title: string; readonly right?: boolean }[],
  body: readonly (readonly string[])[],
): string {
  const rows = [columns.map(({ title }) => title), ...body];
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => displayWidth(row[i] ?? ''))));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => pad(cell, widths[i] ?? 0, columns[i]?.right === true))
      .join('  ')
      .trimEnd();
  // Nothing stands beside the last column, so that its rule need not reach as far as its longest sentence.
  const rules = columns.map(({ title }, i) =>
    '─'.repeat((i < columns.length - 1 ? widths[i] : title.length) ?? 0),
  );
  return [line(columns.map(({ title }) => title)), rules.join('  '), ...body.map(line)].join('\n');
}

function pad(cell: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(cell)));
  return right ? space + cell : cell + space;
}

/** A text on one line: keys of objects may hold line breaks and what moves a terminal's cursor. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd');
}

/** East Asian wide characters and emoji take two columns of a terminal, marks that sit on another character none. */
const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}/u;
const NO_WIDTH = /\p{Mark}|\p{Cf}/u;

function displayWidth(cell: string): number {
  const columns = (character: string) => (NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1);
  return [...cell].reduce((sum, character) => sum + columns(character), 0);
}
