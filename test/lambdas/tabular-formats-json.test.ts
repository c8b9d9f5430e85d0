import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { jsonReader } from '../../lambdas/tabular/formats/json.ts';
import { jsonLinesReader } from '../../lambdas/tabular/formats/json-lines.ts';
import { parse as exact } from '../../lambdas/tabular/formats/json-row.ts';
import { readRows } from '../../lambdas/tabular/formats/read-rows.ts';
import { splitPoints } from '../../lambdas/tabular/formats/split-points.ts';
import {
  type Detected,
  MAX_RECORD_BYTES,
  type RawRow,
  UnreadableFile,
} from '../../lambdas/tabular/formats/types.ts';
import { all, chunksOf, cuts, damaged, damages, pushed, stream } from '../support/tables.ts';

const LIST: Detected = { format: 'json', compression: 'none', encoding: 'utf-8', lineEnd: 'lf' };
const LINES: Detected = { ...LIST, format: 'jsonl' };

/** Objects as JSON has them; names that mean something to JavaScript are among them. */
const objects = fc.array(
  fc.dictionary(
    fc.constantFrom('id', 'Größe', 'a b', '__proto__', 'constructor', '"', '', 'x\ny'),
    fc.jsonValue({ maxDepth: 2 }),
    { maxKeys: 4 },
  ),
  { maxLength: 10 },
);

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
const rowsOf = (values: readonly unknown[]) =>
  values.map((fields, i) => ({ line: i + 1, fields: exact(JSON.stringify(fields)) }));

/** The rows, or the code of the refusal; anything else that is thrown is a failure. */
function outcome(read: () => RawRow[]): RawRow[] | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnreadableFile) return error.code;
    throw error;
  }
}

describe('JSON', () => {
  const read = (bytes: string | Buffer, at: readonly number[] = []) =>
    pushed(jsonReader(LIST, {}), chunksOf(Buffer.from(bytes), at));

  /** A list, or an object that has it between other members. */
  const documents = fc.record({
    values: objects,
    indent: fc.constantFrom(undefined, 1, '\t'),
    wrapped: fc.boolean(),
    mark: fc.boolean(),
  });
  type Written = typeof documents extends fc.Arbitrary<infer T> ? T : never;
  const text = ({ values, indent, wrapped, mark }: Written) => {
    const document = wrapped
      ? { count: 3, of: { nested: [1, { deep: [] }] }, sales: values, more: false }
      : values;
    return `${mark ? '\ufeff' : ''}${JSON.stringify(document, null, indent)}\n`;
  };

  test('a list of objects, or an object with one list, is read in any chunks', () => {
    fc.assert(
      fc.property(documents, cuts(), (document, at) => {
        assert.deepEqual(read(text(document), at), rowsOf(document.values));
      }),
    );
  });

  test('however it is damaged: refused, or read as JSON.parse reads it; chunks do not matter', () => {
    fc.assert(
      fc.property(documents, damages(), cuts(), (document, harm, at) => {
        const bytes = damaged(Buffer.from(text(document)), harm);
        const result = outcome(() => read(bytes, at));
        assert.deepEqual(
          result,
          outcome(() => read(bytes)),
        );
        const parsed = exact(bytes.toString().replace(/^\ufeff/, ''));
        const list = Array.isArray(parsed) ? [parsed] : Object.values(Object(parsed)).filter(Array.isArray);
        const whole = Buffer.from(bytes.toString()).equals(bytes);
        if (list.length === 1 && whole) {
          assert.ok(Array.isArray(result), `${result}`);
          assert.equal(result.length, list[0]?.length);
          for (const [i, row] of result.entries()) {
            if (isObject(list[0]?.[i])) assert.deepEqual('fields' in row && row.fields, list[0]?.[i]);
            else assert.ok('broken' in row);
          }
        } else if (Array.isArray(result)) {
          assert.ok(
            result.some((row) => 'broken' in row) || isObject(parsed) || document.wrapped,
            `${bytes} has no structure and every row is good`,
          );
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('what is wrong within a record costs the record', () => {
    const records = [
      '{"a":1}',
      '{"a":NaN}',
      '7',
      '["a"]',
      'null',
      '{"a":"line\nbreak"}',
      '{"a":01}',
      '{"a":2}',
    ];
    assert.deepEqual(
      read(`[${records.join(',')}]`).map((row) => ('fields' in row ? row.fields : row.broken)),
      [
        { a: 1 },
        'The record is not JSON.',
        'The record is not an object.',
        'The record is not an object.',
        'The record is not an object.',
        'The record is not JSON.',
        'The record is not JSON.',
        { a: 2 },
      ],
    );
  });

  for (const [what, document] of Object.entries({
    'cut off': '[{"a":1},{"a"',
    'a missing brace': '[{"a":1,{"a":2}]',
    'a missing comma': '[{"a":1}{"a":2}]',
    'a comma too many': '[{"a":1},]',
    'a lost quote': '[{"a":"x},{"a":"y"}]',
    'something after the end': '[{"a":1}] [{"a":2}]',
    'two lists': '{"a":[{"b":1}],"c":[{"d":1}]}',
    'no list': '{"a":1}',
    'a single value': '42',
    nothing: ' ',
    'endless nesting': '['.repeat(1000),
  })) {
    test(`${what} makes it unreadable`, () => {
      assert.throws(() => read(document), { name: 'UnreadableFile', code: 'CORRUPT_FILE' });
    });
  }

  test('a record of more than a MiB is one broken row, in any chunks', async () => {
    const document = `[{"a":1},{"a":"${'x'.repeat(MAX_RECORD_BYTES)}"},{"a":3}]`;
    const expected = [
      { line: 1, fields: { a: 1 } },
      { line: 2, broken: `The record is longer than ${MAX_RECORD_BYTES} bytes.` },
      { line: 3, fields: { a: 3 } },
    ];
    assert.deepEqual(await all(readRows(stream([Buffer.from(document)]), LIST)), expected);
    fc.assert(
      fc.property(cuts(), (at) => assert.deepEqual(read(document, at), expected)),
      { numRuns: 10 },
    );
  });
});

describe('JSON Lines', () => {
  const read = (bytes: string | Buffer, at: readonly number[] = []) =>
    pushed(jsonLinesReader(LINES, {}), chunksOf(Buffer.from(bytes), at));

  /** Lines, some of them blank, and how they end. */
  const files = fc.record({
    lines: objects.chain((values) =>
      fc
        .constant(values.map((value) => JSON.stringify(value)))
        .chain((lines) => fc.array(fc.constantFrom('', '  ', ...lines), { maxLength: 14 })),
    ),
    newline: fc.constantFrom('\n', '\r\n'),
    end: fc.boolean(),
  });

  test('each line is a row and blank ones are none, however damaged and whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        files,
        damages(),
        cuts(),
        fc.nat(40),
        async ({ lines, newline, end }, harm, at, size) => {
          const bytes = damaged(Buffer.from(lines.join(newline) + (end ? newline : '')), harm);
          const expected = bytes
            .toString('latin1')
            .split('\n')
            .flatMap((line, i) => {
              const text = Buffer.from(line, 'latin1').toString();
              const sound = Buffer.from(text).toString('latin1') === line && !line.includes('\0');
              return sound && text.trim() === '' ? [] : [{ line: i + 1, text, sound }];
            });
          const rows = read(bytes, at);
          assert.deepEqual(
            rows.map(({ line }) => line),
            expected.map(({ line }) => line),
          );
          for (const [i, row] of rows.entries()) {
            const { text = '', sound = false } = expected[i] ?? {};
            const value = sound ? parseObject(text) : undefined;
            if (value) assert.deepEqual('fields' in row && row.fields, value);
            else assert.ok('broken' in row, text);
          }
          const parts = await splitPoints(stream([bytes]), LINES, size + 1);
          const again = await Promise.all(
            parts.map(({ start, end: stop, firstLine }) =>
              all(readRows(stream([bytes.subarray(start, stop)]), LINES, { firstLine })),
            ),
          );
          assert.deepEqual(again.flat(), rows);
        },
      ),
    );
  });

  function parseObject(text: string): unknown {
    const value = exact(text.replace(/^\ufeff/, ''));
    return isObject(value) ? value : undefined;
  }

  test('integers beyond 2^53 stay what they are', () => {
    const text =
      '{"a":9007199254740993,"b":-12345678901234567890,"c":0.30000000000000004,"d":"9007199254740993"}';
    assert.deepEqual(read(text), [
      {
        line: 1,
        fields: {
          a: 9007199254740993n,
          b: -12345678901234567890n,
          c: 0.30000000000000004,
          d: '9007199254740993',
        },
      },
    ]);
  });

  test('names are given to columns, once asked for each, and two for one column are broken', async () => {
    const asked: string[] = [];
    const columnOf = (name: string) => {
      asked.push(name);
      return name === 'x' ? undefined : name.toLowerCase();
    };
    const text = '{"A":1,"x":2}\n{"a":3,"x":4}\n{"A":5,"a":6}\n';
    assert.deepEqual(await all(readRows(stream([Buffer.from(text)]), LINES, { columnOf })), [
      { line: 1, fields: { a: 1 } },
      { line: 2, fields: { a: 3 } },
      { line: 3, broken: 'Two fields of the record mean the column a.' },
    ]);
    assert.deepEqual(asked, ['A', 'x', 'a']);
  });
});
