import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { csvReader } from '../../lambdas/tabular/formats/csv.ts';
import { detect } from '../../lambdas/tabular/formats/detect.ts';
import { readRows } from '../../lambdas/tabular/formats/read-rows.ts';
import { splitPoints } from '../../lambdas/tabular/formats/split-points.ts';
import { type Detected, MAX_RECORD_BYTES, type RawRow } from '../../lambdas/tabular/formats/types.ts';
import {
  all,
  type CsvStyle,
  chunksOf,
  csvFile,
  csvRecord,
  csvStyles,
  cuts,
  damaged,
  damages,
  detectedAs,
  pushed,
  stream,
  type Table,
  tables,
} from '../support/tables.ts';

const COMMA: Detected = {
  format: 'csv',
  compression: 'none',
  encoding: 'utf-8',
  lineEnd: 'lf',
  delimiter: ',',
  header: ['a', 'b'],
};

const rowsOf = (text: string | Buffer, detected = COMMA, at: readonly number[] = []) =>
  pushed(csvReader(detected, {}), chunksOf(Buffer.from(text), at));

/** A table as a file, and the line on which each of its records begins. */
function written({ header, rows }: Table, style: CsvStyle): { text: string; lines: number[] } {
  const records = [header, ...rows].map((values) => csvRecord(values, style));
  const lineEnd = style.newline === '\r' ? '\r' : '\n';
  let line = 1;
  const lines = records.map((record, i) => {
    if (i > 0) line += style.blankLines;
    const begins = line;
    line += record.split(lineEnd).length;
    return begins;
  });
  return { text: csvFile(records, style), lines: lines.slice(1) };
}

const fieldsOf = (header: readonly string[], values: readonly string[]) =>
  Object.fromEntries(header.map((name, i) => [name, values[i]]));

test('any table in any dialect and any chunks is read as it was written, with its lines', () => {
  fc.assert(
    fc.property(tables(), csvStyles(), cuts(), (table, style, at) => {
      const { text, lines } = written(table, style);
      const expected = table.rows.map((values, i) => ({
        line: lines[i],
        fields: fieldsOf(table.header, values),
      }));
      assert.deepEqual(rowsOf(text, detectedAs(style, table.header), at), expected);
    }),
  );
});

test('its dialect is recognised', () => {
  fc.assert(
    fc.property(tables({ columns: 6 }), csvStyles(), (table, style) => {
      // Without a line end there is nothing to tell CR from LF by.
      fc.pre(table.rows.length > 0);
      const simple = table.rows.map((row) => row.map((value) => value.replaceAll(/[\r\n\t,;|�]/g, '')));
      const { text } = written({ header: table.header, rows: simple }, style);
      const { delimiter, lineEnd, header } = detectedAs(style, table.header);
      const found = detect(Buffer.from(text), 'sales/day', ['csv']);
      assert.deepEqual([found.delimiter, found.lineEnd, found.header], [delimiter, lineEnd, header]);
    }),
  );
});

/** What is done to a record, so that it is exactly one broken row. */
const SPOIL: Readonly<Record<string, (record: string, style: CsvStyle) => string>> = {
  'a field more': (record, { delimiter }) => `${record}${delimiter}x`,
  'a field less': () => 'x',
  'a zero byte': (record) => `${record}\0`,
  'bytes that are not UTF-8': (record) => `${record}INVALID`,
  'a stray quote': (record, { delimiter }) => `x"${delimiter}${record.replaceAll(/["\r\n]/g, '')}`,
};

test('each spoilt record is one broken row, and every other one is as it was', () => {
  const spoilt = fc.array(fc.option(fc.constantFrom(...Object.keys(SPOIL)), { freq: 3 }), { minLength: 12 });
  fc.assert(
    fc.property(tables(), csvStyles(), spoilt, cuts(), (table, style, how, at) => {
      const unquoted = { ...style, quoteAll: false };
      const records = table.rows.map((values, i) => {
        const record = csvRecord(values, unquoted);
        const spoil = SPOIL[how[i] ?? ''];
        // Nothing may follow a closing quote.
        const plain = record.endsWith('"') ? values.map(() => 'y').join(style.delimiter) : record;
        return spoil ? spoil(plain, style) : record;
      });
      const text = csvFile([csvRecord(table.header, unquoted), ...records], style);
      const bytes = Buffer.from(Buffer.from(text).toString('latin1').replaceAll('INVALID', '\xff'), 'latin1');
      const rows = rowsOf(bytes, detectedAs(style, table.header), at);
      assert.equal(rows.length, table.rows.length);
      for (const [i, row] of rows.entries()) {
        if (how[i]) assert.ok('broken' in row, `${how[i]}: ${JSON.stringify(row)}`);
        else assert.deepEqual('fields' in row && row.fields, fieldsOf(table.header, table.rows[i] ?? []));
      }
    }),
  );
});

/** The grammar by a regular expression, over the whole text at once. */
function byGrammar(bytes: Buffer, { delimiter = ',', header = [], lineEnd }: Detected): RawRow[] {
  const text = bytes.toString('latin1').replace(/^\xef\xbb\xbf/, '');
  const eol = lineEnd === 'lf' ? '\n' : '\r';
  const end = lineEnd === 'lf' ? '(?:\\r?\\n|\\r?$)' : '(?:\\r|$)';
  const field = `(?:"(?:[^"]|"")*"|[^"${delimiter === '|' ? '\\|' : delimiter}${eol}]*)`;
  const separator = delimiter === '|' ? '\\|' : delimiter;
  const record = new RegExp(`(${field}(?:${separator}${field})*?)${end}`, 'y');
  const rows: RawRow[] = [];
  let line = 1;
  let place = 0;
  let first = true;
  while (place < text.length) {
    record.lastIndex = place;
    const match = record.exec(text);
    const stop = text.indexOf(eol, place);
    const taken = match ? match[0] : text.slice(place, stop < 0 ? undefined : stop + 1);
    const content = match
      ? lineEnd === 'lf'
        ? (match[1] ?? '').replace(/\r$/, '')
        : (match[1] ?? '')
      : taken;
    if (content !== '') {
      if (first) first = false;
      else rows.push(match ? rowOf(content, line) : { line, broken: '' });
    }
    line += taken.split(eol).length - 1;
    place += taken.length;
  }
  return rows;

  function rowOf(content: string, at: number): RawRow {
    const values = [...(delimiter + content).matchAll(new RegExp(`${separator}(${field})`, 'g'))].map(
      ([, value = '']) => {
        const raw = value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value;
        return Buffer.from(raw, 'latin1');
      },
    );
    const sound = values.every((value) => Buffer.from(value.toString()).equals(value) && !value.includes(0));
    if (values.length !== header.length || !sound) return { line: at, broken: '' };
    return { line: at, fields: fieldsOf(header, values.map(String)) };
  }
}

const withoutReasons = (rows: readonly RawRow[]) =>
  rows.map((row) => ('broken' in row ? { line: row.line, broken: '' } : row));

test('however bytes are damaged, the rows are those of the grammar, whatever the chunks', () => {
  fc.assert(
    fc.property(tables(), csvStyles(), damages(), cuts(), (table, style, harm, at) => {
      const bytes = damaged(Buffer.from(written(table, style).text), harm);
      const detected = detectedAs(style, table.header);
      assert.deepEqual(withoutReasons(rowsOf(bytes, detected, at)), byGrammar(bytes, detected));
      assert.deepEqual(rowsOf(bytes, detected, at), rowsOf(bytes, detected));
    }),
    { numRuns: 1000 },
  );
});

test('the rows of the parts are the rows of the file, however damaged', async () => {
  await fc.assert(
    fc.asyncProperty(tables(), csvStyles(), damages(), fc.nat(60), async (table, style, harm, partBytes) => {
      const bytes = damaged(Buffer.from(written(table, style).text), harm);
      const detected = detectedAs(style, table.header);
      const parts = await splitPoints(stream([bytes]), detected, partBytes + 1);
      assert.deepEqual(
        parts.map(({ start }) => start),
        [0, ...parts.slice(0, -1).map(({ end }) => end)],
      );
      assert.equal(parts.at(-1)?.end, bytes.length);
      const rows: RawRow[] = [];
      for (const { start, end, firstLine } of parts) {
        rows.push(...(await all(readRows(stream([bytes.subarray(start, end)]), detected, { firstLine }))));
      }
      assert.deepEqual(rows, rowsOf(bytes, detected));
    }),
  );
});

test('a quote that is never closed costs its line and no other', () => {
  const rows = rowsOf('a,b\n1,"2\n3,4\n5,6\n');
  assert.deepEqual(rows, [
    { line: 2, broken: 'A quote is opened and never closed.' },
    { line: 3, fields: { a: '3', b: '4' } },
    { line: 4, fields: { a: '5', b: '6' } },
  ]);
});

test('a field, a line or an open quote of more than a MiB is one broken row, in any chunks', async () => {
  const long = 'x'.repeat(MAX_RECORD_BYTES);
  const text = `a,b\n1,${long}\n3,"${long}\n5,6\n"7","${'y\n'.repeat(10)}"\n`;
  const expected = [
    { line: 2, broken: `The record is longer than ${MAX_RECORD_BYTES} bytes.` },
    { line: 3, broken: `The record is longer than ${MAX_RECORD_BYTES} bytes.` },
    { line: 4, fields: { a: '5', b: '6' } },
    { line: 5, fields: { a: '7', b: 'y\n'.repeat(10) } },
  ];
  assert.deepEqual(await all(readRows(stream([Buffer.from(text)]), COMMA)), expected);
  fc.assert(
    fc.property(cuts(), (at) => assert.deepEqual(rowsOf(text, COMMA, at), expected)),
    { numRuns: 10 },
  );
  const most = 'z'.repeat(MAX_RECORD_BYTES - 2);
  assert.deepEqual(rowsOf(`a,b\n1,${most}\n`), [{ line: 2, fields: { a: '1', b: most } }]);
});

test('a large file comes in batches of at most a thousand rows, and names are given to columns', async () => {
  const text = `A,Other\n${'1,2\n'.repeat(200_000)}`;
  const asked: string[] = [];
  const columnOf = (name: string) => {
    asked.push(name);
    return name === 'A' ? 'a' : undefined;
  };
  let rows = 0;
  const detected = { ...COMMA, header: ['A', 'Other'] };
  for await (const batch of readRows(stream([Buffer.from(text)]), detected, { columnOf })) {
    assert.ok(batch.length <= 1000);
    assert.deepEqual(batch[0], { line: rows + 2, fields: { a: '1' } });
    rows += batch.length;
  }
  assert.equal(rows, 200_000);
  assert.deepEqual(asked, ['A', 'Other']);
});

test('Windows-1252 is read where it was detected, and row by row where nothing had told yet', () => {
  const bytes = Buffer.from('a,b\nGr\xfc\xdfe,\x80 5\n\x81,2\n', 'latin1');
  assert.deepEqual(rowsOf(bytes, { ...COMMA, encoding: 'latin-1' }), [
    { line: 2, fields: { a: 'Grüße', b: '€ 5' } },
    { line: 3, broken: 'The record has bytes that mean nothing in Windows-1252.' },
  ]);
  const mixed = Buffer.concat([Buffer.from('a,b\nGrüße,€\n'), Buffer.from('Gr\xfc\xdfe,x\n', 'latin1')]);
  assert.deepEqual(rowsOf(mixed, { ...COMMA, encoding: 'ascii' }), [
    { line: 2, fields: { a: 'Grüße', b: '€' } },
    { line: 3, fields: { a: 'Grüße', b: 'x' } },
  ]);
  assert.deepEqual(rowsOf(mixed)[1], { line: 3, broken: 'The record is not valid UTF-8.' });
});
