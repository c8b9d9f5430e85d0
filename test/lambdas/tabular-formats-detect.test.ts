import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { SOURCE_FORMATS, type SourceFormat } from '../../datasets/dataset.ts';
import { detect } from '../../lambdas/tabular/formats/detect.ts';
import { type Detected, HEAD_BYTES, UnreadableFile } from '../../lambdas/tabular/formats/types.ts';

const look = (
  content: string | Buffer,
  key = 'sales/file',
  formats: readonly SourceFormat[] = SOURCE_FORMATS,
) => detect(Buffer.from(content).subarray(0, HEAD_BYTES), key, formats);
const latin = (text: string) => Buffer.from(text, 'latin1');
const utf16 = (text: string) => Buffer.from(text, 'utf16le');

describe('what a file is', () => {
  const pretty = JSON.stringify([{ a: 1, b: 2 }], null, 2);
  const cases: readonly (readonly [string, string | Buffer, string, Partial<Detected>])[] = [
    ['CSV', 'a,b\n1,2\n', 'x.csv', { format: 'csv', delimiter: ',', header: ['a', 'b'], lineEnd: 'lf' }],
    ['CSV whatever the name says', 'a,b\n1,2\n', 'x.json', { format: 'csv' }],
    ['semicolons, commas in numbers', 'a;b\n1,5;2,5\n3,5;4,5\n', 'x', { delimiter: ';', header: ['a', 'b'] }],
    ['semicolons, commas in names', 'Name, first;Age\n"Doe, J";4\n', 'x', { header: ['Name, first', 'Age'] }],
    ['tabs', 'a\tb\n1,1\t2\n', 'x.tsv', { delimiter: '\t' }],
    ['pipes', 'a|b|c\n1|2|3\n', 'x.txt', { delimiter: '|' }],
    ['one column', 'id\n1\n2\n', 'x.csv', { delimiter: ',', header: ['id'] }],
    ['a header alone', 'a;b', 'x.csv', { delimiter: ';', header: ['a', 'b'] }],
    ['CR LF', 'a,b\r\n1,2\r\n', 'x.csv', { lineEnd: 'lf', header: ['a', 'b'] }],
    ['CR', 'a,b\r1,2\r', 'x.csv', { lineEnd: 'cr', header: ['a', 'b'] }],
    ['a quoted header', '"a ","b\nb"\n1,2\n', 'x.csv', { header: ['a', 'b\nb'] }],
    ['a mark', '\ufeffa,b\n1,2\n', 'x.csv', { encoding: 'utf-8', header: ['a', 'b'] }],
    ['UTF-8', 'a,b\nä,2\n', 'x.csv', { encoding: 'utf-8' }],
    ['ASCII', 'a,b\n1,2\n', 'x.csv', { encoding: 'ascii' }],
    [
      'Windows-1252',
      latin('Gr\xf6\xdfe,b\n\x80,2\n'),
      'x.csv',
      { encoding: 'latin-1', header: ['Größe', 'b'] },
    ],
    [
      'UTF-8 with one damaged byte',
      Buffer.concat([Buffer.from('a,b\nä,ö\n'), latin('\xff,1\n')]),
      'x.csv',
      { encoding: 'utf-8' },
    ],
    ['gzip', gzipSync('a,b\n1,2\n'), 'x.csv.gz', { format: 'csv', compression: 'gzip', header: ['a', 'b'] }],
    ['JSON', pretty, 'x', { format: 'json', header: ['a', 'b'] }],
    ['JSON in gzip', gzipSync(pretty), 'x.gz', { format: 'json', compression: 'gzip', header: ['a', 'b'] }],
    ['JSON in one line', '[{"a":1},{"b":2}]', 'x.jsonl', { format: 'json', header: ['a', 'b'] }],
    ['an empty list', '[]', 'x.json', { format: 'json', header: [] }],
    ['an object with a list', '{"n":1,"sales":[{"a":1}]}', 'x.json', { format: 'json', header: ['a'] }],
    ['the same in many lines', '{\n"sales": [\n{"a":1}\n]}', 'x', { format: 'json', header: ['a'] }],
    ['JSON Lines', '{"a":1}\n{"b":2}\n', 'x', { format: 'jsonl', header: ['a', 'b'] }],
    ['JSON Lines named JSON', '{"a":1}\n\n{"a":2}\n', 'x.json', { format: 'jsonl' }],
    ['one line of JSON Lines', '{"a":1}', 'x.json', { format: 'jsonl', header: ['a'] }],
    ['one line that has a list', '{"a":1,"tags":["x"]}', 'x.jsonl', { format: 'jsonl' }],
    ['JSON Lines of which the first is broken', '{"a":1\n{"a":2}\n{"a":3}\n', 'x', { format: 'jsonl' }],
    ['JSON Lines of which each is broken', '{"a":1\n{"a":2\n', 'x.ndjson', { format: 'jsonl', header: [] }],
    ['Parquet', 'PAR1....PAR1', 'x.csv', { format: 'parquet' }],
  ];
  for (const [name, content, key, expected] of cases) {
    test(name, () => {
      const found = look(content, key);
      assert.deepEqual({ ...found, ...expected }, found);
    });
  }

  test('a head that is not the whole file is looked at as far as its last whole record', () => {
    const row = `${'x'.repeat(99)},"1\n2",3\n`;
    const large = `a,b,c\n${row.repeat(2000)}`;
    assert.deepEqual(look(large).header, ['a', 'b', 'c']);
    const json = `{"sales":[${`{"a":"${'x'.repeat(500)}","b":1},`.repeat(1000)}`;
    assert.deepEqual(look(json), { ...look(json), format: 'json', header: ['a', 'b'] });
    const lines = `{"a":"${'x'.repeat(500)}","b":1}\n`.repeat(1000);
    assert.deepEqual(look(lines), { ...look(lines), format: 'jsonl', header: ['a', 'b'] });
    const zipped = gzipSync(
      Array.from({ length: 50_000 }, (_, i) => `${i},${(i * 7919) % 10_007}\n`).join(''),
    );
    assert.deepEqual(look(Buffer.concat([gzipSync('a,b\n'), zipped])).header, ['a', 'b']);
  });
});

describe('what cannot be read', () => {
  const cases: readonly (readonly [string, string | Buffer, string, RegExp])[] = [
    ['nothing', '', 'EMPTY_FILE', /empty/],
    ['blank lines', '\n \r\n', 'EMPTY_FILE', /empty/],
    ['a mark alone', '\ufeff', 'EMPTY_FILE', /empty/],
    ['nothing in gzip', gzipSync(''), 'EMPTY_FILE', /empty/],
    ['UTF-16 with a mark', utf16('\ufeffa,b\n1,2\n'), 'UNSUPPORTED_ENCODING', /UTF-16.*CSV UTF-8/],
    ['UTF-16 without', utf16('a,b\n1,2\n'), 'UNSUPPORTED_ENCODING', /UTF-16/],
    ['Excel', 'PK\x03\x04…', 'UNSUPPORTED_TYPE', /Excel workbook.*CSV, JSON, JSON Lines, Parquet/],
    ['zstd', latin('\x28\xb5\x2f\xfd..'), 'UNSUPPORTED_TYPE', /zstd/],
    [
      'bytes',
      Buffer.from(Array.from({ length: 999 }, (_, i) => (i * i) % 32)),
      'UNSUPPORTED_TYPE',
      /not text/,
    ],
    ['Parquet in gzip', gzipSync('PAR1...'), 'UNSUPPORTED_TYPE', /Parquet within gzip/],
    ['gzip in gzip', gzipSync(gzipSync('a,b')), 'UNSUPPORTED_TYPE', /gzip within gzip/],
    ['damaged gzip', latin('\x1f\x8b\x08\x00garbage and more'), 'CORRUPT_FILE', /gzip/],
    ['a column twice', 'a,b,A\n', 'BAD_HEADER', /column A twice/],
    ['a column without a name', 'a,,c\n', 'BAD_HEADER', /column 2 has no name/],
    ['no header', 'A-1,2026-11-21,5\nA-2,2026-11-21,6\n', 'BAD_HEADER', /column 2 looks like a value/],
    ['a broken header', '"a,b\n1,2\n', 'BAD_HEADER', /never closed/],
    ['a header without an end', 'x'.repeat(HEAD_BYTES), 'BAD_HEADER', /too long/],
    ['JSON that is cut off', '[{"a":1},', 'CORRUPT_FILE', /cut off in or after record 1/],
    ['JSON without a list', '{"a":\n1}', 'CORRUPT_FILE', /no list/],
  ];
  for (const [name, content, code, message] of cases) {
    test(name, () => {
      assert.throws(
        () => look(content),
        (error) => {
          assert.ok(error instanceof UnreadableFile, String(error));
          assert.equal(error.code, code);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test('a format that the dataset does not take', () => {
    assert.throws(() => look('a,b\n1,2\n', 'x.csv', ['jsonl', 'parquet']), {
      code: 'UNSUPPORTED_TYPE',
      message:
        'The content of the file is CSV, whatever its name says. Send one of these: JSON Lines, Parquet.',
    });
  });

  test('any bytes at all are something, or refused', () => {
    const parts = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc
        .constantFrom('a,b\n', '{"a":1}\n', '[', ']', '"', '\0', '\r', '\ufeff', 'PAR1', '1,2\n')
        .map(Buffer.from),
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 8 }), fc.boolean(), (chunks, zipped) => {
        const bytes = Buffer.concat(chunks);
        try {
          assert.ok(SOURCE_FORMATS.includes(look(zipped ? gzipSync(bytes) : bytes).format));
        } catch (error) {
          assert.ok(error instanceof UnreadableFile, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });
});
