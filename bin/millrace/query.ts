import { command } from './command.ts';
import { EXIT, WrongUsage } from './errors.ts';
import { json, note, say, wholeNumber } from './io.ts';
import { counted, table } from './table.ts';
import { type Answer, ask, type Cell, costOf } from './warehouse.ts';

const MOST_ROWS = 100_000;
const DEFAULT_ROWS = 100;
const LONGEST_SECONDS = 3_600;
const DEFAULT_SECONDS = 300;

export const query = command({
  name: 'query',
  summary: 'ask the warehouse, read only',
  operands: { shown: 'SQL', least: 1, most: 1 },
  about: `Runs one query in the warehouse and shows its first rows. Tables go by their names: documents, sales, tickets,
customers, customer_features, customer_health, sales_daily, tickets_daily. SELECT, WITH, SHOW and EXPLAIN only; whatever
writes is refused before it is sent. Ctrl-C cancels the query. On AWS what it may have cost is told afterwards.`,
  options: {
    limit: { type: 'text', value: 'N', about: `the most rows that are shown (default ${DEFAULT_ROWS})` },
    timeout: {
      type: 'text',
      value: 'SECONDS',
      about: `when the query is given up (default ${DEFAULT_SECONDS})`,
    },
    csv: { type: 'flag', about: 'write CSV to standard output' },
  },
  examples: [
    'query "SELECT * FROM customer_health ORDER BY tickets_open DESC" --limit 10',
    'query "SELECT day, SUM(revenue) FROM sales_daily GROUP BY 1 ORDER BY 1" --csv',
  ],
  async run(context, values, [sql = '']) {
    const { io, deployment } = context;
    if (values.csv && context.json) throw new WrongUsage('--json and --csv exclude each other.');
    const limit = wholeNumber('limit', values.limit ?? `${DEFAULT_ROWS}`, { min: 1, max: MOST_ROWS });
    const timeout = wholeNumber('timeout', values.timeout ?? `${DEFAULT_SECONDS}`, {
      min: 1,
      max: LONGEST_SECONDS,
    });
    const answer = await ask(deployment, readOnly(sql), { signal: io.signal, timeout, limit });
    if (context.json) json(io, objectsOf(answer));
    else if (values.csv) say(io, csvOf(answer));
    else say(io, table(answer.rows, columnsOf(answer), io.stdout.columns));
    const { rows, found } = answer;
    if (rows.length < found) note(io, `The first ${rows.length} of ${found} rows; more with --limit.`);
    else note(io, `${counted(found, 'row')}.`);
    const cost = costOf(deployment, answer.seconds);
    if (cost) note(io, `${answer.seconds.toFixed(1)} s; ${cost}.`);
    return EXIT.done;
  },
});

const READING = ['SELECT', 'WITH', 'SHOW', 'EXPLAIN'];
/** Words by which a statement that begins as a query writes: `SELECT … INTO`, `EXPLAIN … ` of what is none, functions. */
const WRITING =
  /\b(INTO|INSERT|UPDATE|DELETE|MERGE|CREATE|DROP|ALTER|TRUNCATE|COPY|UNLOAD|GRANT|REVOKE|CALL|VACUUM|SET_CONFIG|PG_(?:TERMINATE|CANCEL)_BACKEND)\b/i;
/**
 * Texts, quoted names and comments: what they say is nobody's command. Whether a backslash escapes the quote behind it is
 * the server's to say: what is read in either way has to be harmless.
 */
const SAID = [
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\//g,
  /'(?:\\[\s\S]|[^'\\]|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\//g,
];

/**
 * One query without a semicolon at its end.
 * @throws WrongUsage for what is no query, or more than one
 */
export function readOnly(sql: string): string {
  const query = sql.trim().replace(/;\s*$/, '');
  for (const said of SAID) assertReading(query.replace(said, ' ').trim());
  return query;
}

function assertReading(words: string): void {
  const [first = ''] = /^\w+/.exec(words) ?? [];
  if (!READING.includes(first.toUpperCase())) {
    throw new WrongUsage(`This command only reads: a query begins with ${READING.join(', ')}.`);
  }
  if (words.includes(';')) throw new WrongUsage('This command runs one query at a time.');
  const [writes] = WRITING.exec(words) ?? [];
  if (writes) {
    throw new WrongUsage(
      `This command only reads: ${writes.toUpperCase()} is refused. Put a column of that name in double quotes.`,
    );
  }
}

function columnsOf({ columns, rows }: Answer) {
  return columns.map((title, i) => ({
    title,
    right: rows.some((row) => typeof row[i] === 'number'),
    of: (row: readonly Cell[]) => String(row[i] ?? ''),
  }));
}

function objectsOf({ columns, rows }: Answer): Record<string, Cell>[] {
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i] ?? null])));
}

/** RFC 4180, with the line ends of this machine's tools. */
function csvOf({ columns, rows }: Answer): string {
  const line = (cells: readonly Cell[]) =>
    cells
      .map((cell) => String(cell ?? ''))
      .map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
      .join(',');
  return [columns, ...rows].map(line).join('\n');
}
