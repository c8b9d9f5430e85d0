import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Column, Dataset } from '../../datasets/dataset.ts';
import { sales } from '../../datasets/sales.ts';
import { mapColumns } from '../../lambdas/shared/dataset/columns.ts';
import { rowValidator } from '../../lambdas/shared/dataset/validate.ts';

/** What a column makes of a value: the value in the row, or the code of the problem. */
function readAs(column: Partial<Column>, value: unknown): unknown {
  const dataset: Dataset = {
    ...sales,
    columns: [{ name: 'c', type: 'string', description: '', ...column }],
    partitionBy: 'elsewhere',
    expectations: {},
  };
  const checked = rowValidator(dataset).check({ c: value });
  return 'row' in checked ? checked.row[0] : checked.problems[0]?.code;
}

const noon = new Date('2026-11-21T12:00:00Z');
const day = new Date('2026-11-21T00:00:00Z');

/** Type, then pairs of what comes and what it is. */
const READ: readonly (readonly [Partial<Column>, readonly (readonly [unknown, unknown])[]])[] = [
  [
    { type: 'string' },
    [
      ['', null],
      [null, null],
      [' kept as it is\t', ' kept as it is\t'],
      ['but for spaces at its end  ', 'but for spaces at its end'],
      ['  ', null],
      [1001, '1001'],
      [2n ** 60n, String(2n ** 60n)],
      [1.5, 'WRONG_TYPE'],
      [true, 'WRONG_TYPE'],
      [['a'], 'WRONG_TYPE'],
      ['a\0b', 'WRONG_FORMAT'],
      ['half \ud83d of a pair', 'WRONG_FORMAT'],
    ],
  ],
  [
    { type: 'integer' },
    [
      [' 12 ', 12],
      ['+7', 7],
      ['-0', 0],
      ['2147483647', 2147483647],
      ['2147483648', 'WRONG_TYPE'],
      ['12.0', 'WRONG_TYPE'],
      ['1e3', 'WRONG_TYPE'],
      ['0x10', 'WRONG_TYPE'],
      ['   ', null],
      [3, 3],
      [3n, 3],
      [3.5, 'WRONG_TYPE'],
      [Number.NaN, 'WRONG_TYPE'],
    ],
  ],
  [
    { type: 'bigint' },
    [
      ['9223372036854775807', 9223372036854775807n],
      ['9223372036854775808', 'WRONG_TYPE'],
      [12, 12n],
      [2 ** 53, 'WRONG_TYPE'],
      [-5n, -5n],
    ],
  ],
  [
    { type: 'double' },
    [
      ['1.5e3', 1500],
      ['.5', 0.5],
      ['5.', 5],
      ['1,5', 'WRONG_TYPE'],
      ['Infinity', 'WRONG_TYPE'],
      ['1e999', 'WRONG_TYPE'],
      [Number.NaN, 'WRONG_TYPE'],
      [2n, 2],
    ],
  ],
  [
    { type: 'decimal', decimal: { precision: 6, scale: 2 } },
    [
      ['19.99', 1999n],
      ['-19.9', -1990n],
      ['19', 1900n],
      ['.5', 50n],
      ['19.990000', 1999n],
      ['19.999', 'WRONG_TYPE'],
      ['9999.99', 999999n],
      ['10000', 'WRONG_TYPE'],
      ['-', 'WRONG_TYPE'],
      ['1e2', 'WRONG_TYPE'],
      [19.99, 1999n],
      [1999 * 0.01, 1999n],
      [0.1 + 0.2, 30n],
      [1.001, 'WRONG_TYPE'],
      [7n, 700n],
    ],
  ],
  [
    { type: 'boolean' },
    [
      ['TRUE', true],
      ['no', false],
      [0, false],
      [1n, true],
      [true, true],
      ['maybe', 'WRONG_TYPE'],
      [2, 'WRONG_TYPE'],
    ],
  ],
  [
    { type: 'date' },
    [
      ['2026-11-21', day],
      ['2026-11-21T00:00:00Z', day],
      [day, day],
      ['2026-11-21T12:00:00Z', 'WRONG_TYPE'],
      ['2026-02-29', 'WRONG_TYPE'],
      ['2024-02-29', new Date('2024-02-29')],
      ['21.11.2026', 'WRONG_TYPE'],
    ],
  ],
  [
    { type: 'timestamp' },
    [
      ['2026-11-21T12:00:00Z', noon],
      ['2026-11-21 12:00', noon],
      ['2026-11-21T12:00:00', noon],
      ['2026-11-21T13:30:00+01:30', noon],
      ['2026-11-21T13:30:00.000000+0130', noon],
      ['2026-11-21T07:00:00-05', noon],
      ['2026-11-21 12:00:00 UTC', noon],
      ['2026-11-21T12:00:00.1239Z', new Date('2026-11-21T12:00:00.123Z')],
      ['2026-11-21', day],
      [noon.getTime(), noon],
      [noon.getTime() / 1000, noon],
      [BigInt(noon.getTime()), noon],
      [noon, noon],
      [new Date(Number.NaN), 'WRONG_TYPE'],
      ['2026-11-31T12:00:00Z', 'WRONG_TYPE'],
      ['2026-11-21T24:00:00Z', 'WRONG_TYPE'],
      ['2026-13-01', 'WRONG_TYPE'],
      ['yesterday', 'WRONG_TYPE'],
      ['9999-12-31', new Date('9999-12-31')],
      ['0050-01-01', 'WRONG_TYPE'],
      [8e15, 'WRONG_TYPE'],
    ],
  ],
  [
    { maxBytes: 4 },
    [
      ['four', 'four'],
      ['üü', 'üü'],
      ['üüü', 'TOO_LONG'],
      ['€€', 'TOO_LONG'],
    ],
  ],
  [
    { required: true },
    [
      ['', 'MISSING'],
      [undefined, 'MISSING'],
      [null, 'MISSING'],
    ],
  ],
  [
    { allowed: ['a', 'b'] },
    [
      ['a', 'a'],
      ['A', 'NOT_ALLOWED'],
    ],
  ],
  [
    { type: 'integer', range: { min: 1, max: 3 } },
    [
      ['1', 1],
      ['3', 3],
      ['0', 'OUT_OF_RANGE'],
      ['4', 'OUT_OF_RANGE'],
    ],
  ],
  [
    { type: 'decimal', range: { min: 0, max: 0.5 } },
    [
      ['0.50', 50n],
      ['0.51', 'OUT_OF_RANGE'],
      ['-0.01', 'OUT_OF_RANGE'],
    ],
  ],
  [
    { type: 'bigint', range: { min: 1 } },
    [
      ['1', 1n],
      ['0', 'OUT_OF_RANGE'],
    ],
  ],
  [
    { pattern: 'A-\\d+|B' },
    [
      ['A-12', 'A-12'],
      ['B', 'B'],
      ['xA-12', 'WRONG_FORMAT'],
      ['A-12\n', 'WRONG_FORMAT'],
    ],
  ],
  [
    { format: 'email' },
    [
      ['jane.doe+shop@mail.example.org', 'jane.doe+shop@mail.example.org'],
      ['jörg@bücher.example', 'jörg@bücher.example'],
      ['jane@', 'WRONG_FORMAT'],
      ['jane doe@example.org', 'WRONG_FORMAT'],
      ['jane@localhost', 'WRONG_FORMAT'],
      ['a@b@example.org', 'WRONG_FORMAT'],
    ],
  ],
  [
    { format: 'currency' },
    [
      ['EUR', 'EUR'],
      ['eur', 'WRONG_FORMAT'],
      ['QQQ', 'WRONG_FORMAT'],
    ],
  ],
  [
    { format: 'country' },
    [
      ['DE', 'DE'],
      ['EU', 'WRONG_FORMAT'],
      ['QQ', 'WRONG_FORMAT'],
      ['Germany', 'WRONG_FORMAT'],
    ],
  ],
  [
    { format: 'uuid' },
    [
      ['123e4567-e89b-12d3-a456-426614174000', '123e4567-e89b-12d3-a456-426614174000'],
      ['123e4567', 'WRONG_FORMAT'],
    ],
  ],
  [
    { format: 'uri' },
    [
      ['https://example.org/a?b', 'https://example.org/a?b'],
      ['example.org', 'WRONG_FORMAT'],
      ['https://exa mple.org', 'WRONG_FORMAT'],
    ],
  ],
];

for (const [column, cases] of READ) {
  test(`a column ${JSON.stringify(column)} takes what fits and refuses the rest`, () => {
    for (const [given, expected] of cases) {
      assert.deepEqual(readAs(column, given), expected, `${typeof given} ${String(given)}`);
    }
  });
}

test('an address that is made to be slow to judge is judged at once', () => {
  const started = performance.now();
  assert.equal(readAs({ format: 'email', maxBytes: 65_535 }, `a@${'a'.repeat(60_000)}!`), 'WRONG_FORMAT');
  assert.equal(readAs({ format: 'email', maxBytes: 65_535 }, `a@${'a.'.repeat(30_000)}!`), 'WRONG_FORMAT');
  assert.ok(performance.now() - started < 1_000);
});

const GOOD = {
  order_id: 'A-1',
  line_number: '1',
  ordered_at: '2026-11-20T12:00:00Z',
  delivered_at: '',
  customer_id: 'C1',
  customer_email: 'jane@example.org',
  product: 'Teapot',
  quantity: '2',
  unit_price: '19.99',
  currency: 'EUR',
  status: 'ordered',
} as const;

test('a row has its values in the order of the columns', () => {
  const at = new Date('2026-11-20T12:00:00Z');
  assert.deepEqual(rowValidator(sales).check({ ...GOOD, not_declared: 'x' }), {
    row: ['A-1', 1, at, null, 'C1', 'jane@example.org', 'Teapot', 2, 1999n, 'EUR', 'ordered'],
  });
});

test('a refused row tells everything that is wrong with it, and no personal value', () => {
  const checked = rowValidator(sales).check({
    ...GOOD,
    line_number: 'first',
    customer_email: 'no address',
    product: undefined,
    quantity: 0,
    status: 'x'.repeat(300),
  });
  assert.deepEqual('problems' in checked && checked.problems, [
    {
      column: 'line_number',
      code: 'WRONG_TYPE',
      message: 'line_number is not a value of type integer.',
      valueClass: 'text of 5 characters',
      value: 'first',
    },
    {
      column: 'customer_email',
      code: 'WRONG_FORMAT',
      message: 'customer_email is not an e-mail address.',
      valueClass: 'text of 10 characters',
    },
    { column: 'product', code: 'MISSING', message: 'product is empty.', valueClass: 'nothing' },
    {
      column: 'quantity',
      code: 'OUT_OF_RANGE',
      message: 'quantity is not from 1 to 100000.',
      valueClass: 'number',
      value: '0',
    },
    {
      column: 'status',
      code: 'TOO_LONG',
      message: 'status is longer than 16 bytes.',
      valueClass: 'text of 300 characters',
      value: 'x'.repeat(200),
    },
  ]);
});

test('a check between columns holds where both have a value', () => {
  const { check } = rowValidator(sales);
  const [problem] = [check({ ...GOOD, delivered_at: '2026-11-19' })].flatMap((checked) =>
    'problems' in checked ? checked.problems : [],
  );
  assert.equal(problem?.code, 'CHECK_FAILED');
  assert.equal(problem?.column, null);
  assert.match(
    problem?.message ?? '',
    /^delivered-after-ordered: delivered_at >= ordered_at does not hold\./,
  );
  assert.ok('row' in check({ ...GOOD, delivered_at: '2026-11-20T12:00:00Z' }));
});

test('a row that no partition takes is refused, and so is one without event time', () => {
  const { check } = rowValidator(sales);
  for (const [orderedAt, code] of [
    ['1999-12-31T23:59:59Z', 'OUT_OF_RANGE'],
    ['2050-01-01T00:00:00Z', 'OUT_OF_RANGE'],
    ['', 'MISSING'],
  ]) {
    const checked = check({ ...GOOD, ordered_at: orderedAt });
    assert.equal('problems' in checked && checked.problems[0]?.code, code, orderedAt);
  }
  assert.ok('row' in check({ ...GOOD, ordered_at: '2049-12-31T23:59:59.999Z' }));
});

test('columns of a file are found whatever their case, spaces and hyphens, and by their aliases', () => {
  const dataset: Dataset = {
    ...sales,
    columns: sales.columns.map((column) =>
      column.name === 'quantity' ? { ...column, aliases: ['Menge', 'qty'] } : column,
    ),
  };
  const mapping = mapColumns(dataset, [
    'Order ID',
    'LINE-NUMBER',
    ' ordered.at ',
    'customer_id',
    'QTY',
    'menge',
    'Product',
    'colour',
    'unit_price',
    'Currency',
  ]);
  assert.deepEqual(Object.fromEntries(mapping.columns), {
    'Order ID': 'order_id',
    'LINE-NUMBER': 'line_number',
    ' ordered.at ': 'ordered_at',
    customer_id: 'customer_id',
    QTY: 'quantity',
    Product: 'product',
    unit_price: 'unit_price',
    Currency: 'currency',
  });
  assert.deepEqual(mapping.unknown, ['menge', 'colour']);
  assert.deepEqual(mapping.missing, ['delivered_at', 'customer_email']);
  assert.deepEqual(mapping.missingRequired, ['status']);
});
