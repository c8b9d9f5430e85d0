import { splitQuoted } from './csv.ts';
import { RecordScanner } from './record-scanner.ts';
import { RecordText } from './record-text.ts';
import { type Detected, UnreadableFile } from './types.ts';

type Delimiter = NonNullable<Detected['delimiter']>;

const DELIMITERS: readonly Delimiter[] = [',', ';', '\t', '|'];

/** Records that are compared with the header. */
const COMPARED = 50;

/** What numbers, dates and times look like, and names of columns do not. */
const LOOKS_LIKE_DATA = /^[-+]?\d[-+\d.,:/ TZ]*$/;

interface Attempt {
  readonly delimiter: Delimiter;
  readonly header: readonly string[];
  /** Records with as many fields as the header. */
  readonly agreeing: number;
}

/**
 * Delimiter and header of CSV: the delimiter that cuts most records into as many fields as the header, and more than one.
 *
 * @param whole whether the head is the whole file
 * @throws UnreadableFile when the header is missing, broken, or names a column twice or not at all
 */
export function csvDialect(
  head: Buffer,
  whole: boolean,
  text: Pick<Detected, 'encoding' | 'lineEnd'>,
): Pick<Attempt, 'delimiter' | 'header'> {
  const attempts = DELIMITERS.map((delimiter) => attempt(head, whole, text, delimiter));
  const cutting = attempts.filter((tried) => typeof tried !== 'string' && tried.header.length > 1);
  const [first] = attempts;
  const best = cutting.length > 0 ? cutting.reduce(better) : first;
  if (best === undefined || typeof best === 'string') throw badHeader(best ?? 'there is none');
  const header = best.header.map((name) => name.trim());
  checkNames(header);
  return { delimiter: best.delimiter, header };
}

function better(a: Attempt | string, b: Attempt | string): Attempt | string {
  if (typeof a === 'string' || typeof b === 'string') return typeof a === 'string' ? b : a;
  return b.agreeing - a.agreeing || b.header.length - a.header.length > 0 ? b : a;
}

/** The header under a delimiter and how far the records agree with it, or what is wrong with the header. */
function attempt(
  head: Buffer,
  whole: boolean,
  { encoding, lineEnd }: Pick<Detected, 'encoding' | 'lineEnd'>,
  delimiter: Delimiter,
): Attempt | string {
  const text = new RecordText(encoding);
  const records: (string[] | string)[] = [];
  const scanner = new RecordScanner(
    {
      record(window, start, end, _line, quoted) {
        if (records.length > COMPARED) return;
        const record = text.of(window, start, end);
        if (typeof record !== 'string') records.push(record.why);
        else records.push(quoted ? splitQuoted(record, delimiter) : record.split(delimiter));
      },
      broken: (_window, _start, _line, why) => records.push(why),
    },
    { lineEnd, delimiter },
  );
  scanner.push(head, whole);
  const [header, ...others] = records;
  if (header === undefined) return whole ? 'there is none' : 'it is too long';
  if (typeof header === 'string') return header;
  const agreeing = others.filter(
    (record) => typeof record !== 'string' && record.length === header.length,
  ).length;
  return { delimiter, header, agreeing };
}

function checkNames(header: readonly string[]): void {
  const seen = new Set<string>();
  for (const [i, name] of header.entries()) {
    if (name === '') throw badHeader(`column ${i + 1} has no name`);
    if (LOOKS_LIKE_DATA.test(name)) throw badHeader(`the name of column ${i + 1} looks like a value`);
    const folded = name.toLowerCase();
    if (seen.has(folded)) throw badHeader(`it has the column ${name} twice`);
    seen.add(folded);
  }
}

function badHeader(what: string): UnreadableFile {
  return new UnreadableFile(
    'BAD_HEADER',
    `The first line has to name each column once: ${what.replace(/\.$/, '')}. Mend the header, and send the file again.`,
  );
}
