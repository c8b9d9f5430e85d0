import fc from 'fast-check';
import type { RowReader } from '../../lambdas/tabular/formats/row-reader.ts';
import type { Detected, RawRow } from '../../lambdas/tabular/formats/types.ts';

/** Fixed, so that a test says the same every time; `FC_SEED=…` looks further. */
fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20261121), numRuns: 300 });

/** A table of texts; all rows are as long as the header. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** How a writer writes CSV. */
export interface CsvStyle {
  readonly delimiter: NonNullable<Detected['delimiter']>;
  readonly newline: '\n' | '\r\n' | '\r';
  /** Whether fields are quoted that need not be. */
  readonly quoteAll: boolean;
  readonly mark: boolean;
  readonly endsWithNewline: boolean;
  /** Blank lines before every record. */
  readonly blankLines: number;
}

/** Values that a reader may stumble over. */
const value = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    '12',
    '1.5',
    '2026-11-21',
    ' spaced ',
    'Grüße €',
    '世界 🙂',
    '�',
    "it's",
    '\\',
    '{}',
  ),
  fc.constantFrom(
    '"',
    '""',
    'x"y',
    ',',
    ';',
    '\t',
    '|',
    'a,b',
    '",',
    '"\n"',
    'one\ntwo',
    'one\r\ntwo',
    '\n\n',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll('\0', '')),
);

export function tables({ columns = 4, rows = 12 } = {}): fc.Arbitrary<Table> {
  return fc.integer({ min: 2, max: columns }).chain((width) =>
    fc.record({
      header: fc.constant(Array.from({ length: width }, (_, i) => `column ${'abcdef'[i]}`)),
      rows: fc.array(fc.array(value, { minLength: width, maxLength: width }), { maxLength: rows }),
    }),
  );
}

export function csvStyles(): fc.Arbitrary<CsvStyle> {
  return fc.record({
    delimiter: fc.constantFrom(',' as const, ';' as const, '\t' as const, '|' as const),
    newline: fc.constantFrom('\n' as const, '\r\n' as const, '\r' as const),
    quoteAll: fc.boolean(),
    mark: fc.boolean(),
    endsWithNewline: fc.boolean(),
    blankLines: fc.nat(2),
  });
}

export function csvRecord(values: readonly string[], { delimiter, quoteAll }: CsvStyle): string {
  const needsQuotes = (text: string) => quoteAll || /["\r\n]/.test(text) || text.includes(delimiter);
  const fields = values.map((text) => (needsQuotes(text) ? `"${text.replaceAll('"', '""')}"` : text));
  // A record of one empty field would be a blank line.
  return fields.length === 1 && fields[0] === '' ? '""' : fields.join(delimiter);
}

/** The records as a file; the first one is the header. */
export function csvFile(records: readonly string[], style: CsvStyle): string {
  const blank = style.newline.repeat(style.blankLines);
  const body = records.map((record, i) => (i === 0 ? record : blank + record)).join(style.newline);
  return `${style.mark ? '\ufeff' : ''}${body}${style.endsWithNewline ? style.newline : ''}`;
}

export function detectedAs(style: CsvStyle, header: readonly string[]): Detected {
  return {
    format: 'csv',
    compression: 'none',
    encoding: 'utf-8',
    lineEnd: style.newline === '\r' ? 'cr' : 'lf',
    delimiter: style.delimiter,
    header,
  };
}

/** Damage of bytes: what to do, and where, as shares of the length. */
export interface Damage {
  readonly kind: 'cut off' | 'take out' | 'overwrite' | 'put in';
  readonly at: number;
  readonly bytes: Uint8Array;
}

export function damages(): fc.Arbitrary<readonly Damage[]> {
  const byte = fc.oneof(
    fc.constantFrom(0, 0x0a, 0x0d, 0x22, 0x2c, 0x5c, 0xff, 0xc3, 0x7b, 0x5d),
    fc.nat(255),
  );
  return fc.array(
    fc.record({
      kind: fc.constantFrom('cut off' as const, 'take out' as const, 'overwrite' as const, 'put in' as const),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      bytes: fc.array(byte, { minLength: 1, maxLength: 4 }).map((bytes) => Uint8Array.from(bytes)),
    }),
    { maxLength: 3 },
  );
}

export function damaged(bytes: Buffer, all: readonly Damage[]): Buffer {
  return all.reduce((damagedSoFar, { kind, at, bytes: put }) => {
    const place = Math.floor(at * damagedSoFar.length);
    const [before, after] = [damagedSoFar.subarray(0, place), damagedSoFar.subarray(place)];
    if (kind === 'cut off') return Buffer.concat([before]);
    if (kind === 'take out') return Buffer.concat([before, after.subarray(put.length)]);
    return Buffer.concat([before, put, kind === 'overwrite' ? after.subarray(put.length) : after]);
  }, bytes);
}

/** Places at which bytes are cut into chunks, as shares of their length; a byte order mark stays whole. */
export function cuts(): fc.Arbitrary<readonly number[]> {
  return fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
}

export function chunksOf(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = at
    .map((share) => Math.max(Math.min(3, bytes.length), Math.floor(share * bytes.length)))
    .sort((a, b) => a - b);
  const ends = [...places, bytes.length];
  return [0, ...places].map((start, i) => bytes.subarray(start, ends[i]));
}

/** What a reader makes of chunks just as they are, without being gathered into blocks. */
export function pushed(reader: RowReader, chunks: readonly Buffer[]): RawRow[] {
  const rows = chunks.flatMap((chunk) => reader.push(chunk, false));
  return [...rows, ...reader.push(Buffer.alloc(0), true)];
}

export async function* stream(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

export async function all<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const batch of batches) found.push(...batch);
  return found;
}
