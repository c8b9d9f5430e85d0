import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { type ObjectReader, type StatementOutcome, Warehouse } from '../../local/engines/warehouse/index.ts';
import { newSession, TableLocks } from '../../local/engines/warehouse/locks.ts';

let directory: string;
let warehouse: Warehouse;
const objects = new Map<string, Uint8Array>();

const reader: ObjectReader = {
  async get(bucket, key) {
    const body = objects.get(`s3://${bucket}/${key}`);
    if (body) return body;
    throw Object.assign(new Error('The specified key does not exist.'), { name: 'NoSuchKey' });
  },
  async list(bucket, prefix) {
    const start = `s3://${bucket}/`;
    return [...objects.keys()]
      .filter((uri) => uri.startsWith(start + prefix))
      .map((uri) => uri.slice(start.length));
  },
};

const run = (...sqls: string[]) => warehouse.transaction(sqls, { objects: () => reader });
const rowsOf = (outcomes: StatementOutcome[]) =>
  outcomes
    .at(-1)
    ?.result?.rows.map((row) => row.map((field) => ('isNull' in field ? null : Object.values(field)[0])));
const ask = async (sql: string) => rowsOf(await run(sql));

function putParquet(uri: string, columnData: ColumnSource[]): number {
  const body = new Uint8Array(parquetWriteBuffer({ columnData }));
  objects.set(uri, body);
  return body.length;
}

function putManifest(uri: string, entries: unknown[]): void {
  objects.set(uri, Buffer.from(JSON.stringify({ entries })));
}

const COPY = "COPY stage FROM 's3://lake/manifest' IAM_ROLE default FORMAT AS PARQUET MANIFEST";
const STAGE = 'CREATE TEMP TABLE stage (LIKE documents)';

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'warehouse-'));
  warehouse = await Warehouse.open(join(directory, 'test.duckdb'));
});
after(async () => {
  warehouse.close();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  objects.clear();
  await run(
    'DROP TABLE IF EXISTS documents',
    'CREATE TABLE documents (id VARCHAR(8) NOT NULL ENCODE zstd, pages INT, PRIMARY KEY (id)) DISTSTYLE KEY DISTKEY(id) COMPOUND SORTKEY(id, pages)',
  );
});

describe('definitions', () => {
  test('clauses about storage are read over, and keys are not enforced, as in Redshift', async () => {
    await run("INSERT INTO documents VALUES ('a', 1), ('a', 2)");
    assert.deepEqual(await ask('SELECT COUNT(*) FROM documents'), [[2]]);
  });

  test('a value longer than its column in bytes is refused', async () => {
    await assert.rejects(
      run("INSERT INTO documents VALUES ('éééé9', 1)"),
      /ERROR: value too long for type character varying\(8\)/,
    );
    await assert.rejects(
      run('INSERT INTO documents VALUES (NULL, 1)'),
      /Cannot insert a NULL value into column id/,
    );
  });

  test('a temporary table made like another keeps its checks and ends with its transaction', async () => {
    await assert.rejects(run(STAGE, "INSERT INTO stage VALUES ('much too long', 1)"), /value too long/);
    await assert.rejects(ask('SELECT * FROM stage'), /relation "stage" does not exist/);
  });

  test('types, identities and defaults of Redshift are understood', async () => {
    const [, , outcome] = await run(
      "CREATE TEMP TABLE kinds (n BIGINT IDENTITY(10,5), s SUPER, t TIMESTAMPTZ DEFAULT '2026-01-02 03:04:05', d DOUBLE PRECISION ENCODE raw, x VARCHAR(MAX), y CHARACTER VARYING(3), m DECIMAL(9,2), b BOOL)",
      "INSERT INTO kinds (s, d, x, y, m, b) VALUES (JSON_PARSE('{\"a\":1}'), 1.5, 'x', 'abc', 3, TRUE)",
      'SELECT * FROM kinds',
    );
    assert.deepEqual(
      outcome?.result?.columns.map((column) => column.typeName),
      ['int8', 'super', 'timestamptz', 'float8', 'varchar', 'varchar', 'numeric', 'bool'],
    );
    assert.deepEqual(outcome?.result?.rows[0], [
      { longValue: 10 },
      { stringValue: '{"a":1}' },
      { stringValue: '2026-01-02 03:04:05+00' },
      { doubleValue: 1.5 },
      { stringValue: 'x' },
      { stringValue: 'abc' },
      { stringValue: '3.00' },
      { booleanValue: true },
    ]);
    await assert.rejects(run('CREATE TABLE bad (x GEOMETRY2)'), /type "geometry2" does not exist/);
  });
});

describe('queries', () => {
  test("Redshift's functions are understood", async () => {
    await run("INSERT INTO documents VALUES ('b', 2), ('a', 1), ('a', 3)");
    assert.deepEqual(
      await ask(
        "SELECT LISTAGG(id, ',') WITHIN GROUP (ORDER BY id DESC), NVL(NULL, 7), LEN('abc'), DATEDIFF(day, '2026-01-01'::date, '2026-01-03'::date) FROM documents",
      ),
      [['b,a,a', 7, 3, 2]],
    );
    assert.deepEqual(
      await ask(
        'SELECT id, pages FROM documents QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY pages DESC) = 1 ORDER BY 1',
      ),
      [
        ['a', 3],
        ['b', 2],
      ],
    );
    const [outcome] = await run(
      'SELECT COUNT(*), MAX(pages) AS "Most", pages + 1 FROM documents GROUP BY pages',
    );
    assert.deepEqual(
      outcome?.result?.columns.map((column) => column.name),
      ['count', 'most', '?column?'],
    );
    assert.deepEqual(await ask("SELECT DATEADD(hour, 2, DATE_TRUNC(day, TIMESTAMP '2026-01-01 10:00:00'))"), [
      ['2026-01-01 02:00:00'],
    ]);
  });

  test('a cast that fails raises its message and undoes the transaction', async () => {
    const assertion = (condition: string) =>
      `SELECT CAST(CASE WHEN ${condition} THEN '0' ELSE 'counts differ' END AS INTEGER)`;
    await run("INSERT INTO documents VALUES ('a', 1)", assertion('(SELECT COUNT(*) FROM documents) = 1'));
    await assert.rejects(
      run("INSERT INTO documents VALUES ('b', 1)", assertion('(SELECT COUNT(*) FROM documents) = 1')),
      /invalid input syntax for integer: "counts differ"/,
    );
    assert.deepEqual(await ask('SELECT COUNT(*) FROM documents'), [[1]]);
  });

  test('the files of this machine cannot be read', async () => {
    await assert.rejects(ask("SELECT * FROM read_csv('/etc/hostname')"), /Permission Error/);
    await assert.rejects(ask("COPY documents TO '/tmp/x'"), /syntax error at or near "TO"/);
    await assert.rejects(ask("ATTACH '/tmp/x'"), /syntax error at or near "attach"/);
  });
});

describe('COPY', () => {
  const twoRows: ColumnSource[] = [
    // COPY goes by position: these names are deliberately others.
    { name: 'first', data: ['a', 'b'], type: 'STRING' },
    { name: 'second', data: [1, 2], type: 'INT32' },
  ];
  const load = () => run(STAGE, COPY, 'SELECT id, pages, pg_last_copy_count() FROM stage ORDER BY id');

  test('loads Parquet by position through a manifest', async () => {
    const bytes = putParquet('s3://lake/1', twoRows);
    putManifest('s3://lake/manifest', [
      { url: 's3://lake/1', mandatory: true, meta: { content_length: bytes } },
    ]);
    assert.deepEqual(rowsOf(await load()), [
      ['a', 1, 2],
      ['b', 2, 2],
    ]);
  });

  test('refuses a manifest without sizes, with wrong sizes, and with a missing mandatory file', async () => {
    const bytes = putParquet('s3://lake/1', twoRows);
    putManifest('s3://lake/manifest', [{ url: 's3://lake/1' }]);
    await assert.rejects(load(), /has no meta\.content_length/);
    putManifest('s3://lake/manifest', [{ url: 's3://lake/1', meta: { content_length: bytes + 1 } }]);
    await assert.rejects(load(), /Spectrum Scan Error.*content_length/);
    putManifest('s3://lake/manifest', [
      { url: 's3://lake/1', meta: { content_length: bytes } },
      { url: 's3://lake/2', mandatory: true, meta: { content_length: bytes } },
    ]);
    await assert.rejects(load(), /S3ServiceException:.*NoSuchKey, s3:\/\/lake\/2/);
    putManifest('s3://lake/manifest', [
      { url: 's3://lake/1', meta: { content_length: bytes } },
      { url: 's3://lake/2', mandatory: false, meta: { content_length: bytes } },
    ]);
    assert.equal(rowsOf(await load())?.length, 2);
  });

  test('refuses files whose columns do not fit', async () => {
    const attempt = async (columns: ColumnSource[]) => {
      const bytes = putParquet('s3://lake/1', columns);
      putManifest('s3://lake/manifest', [{ url: 's3://lake/1', meta: { content_length: bytes } }]);
      await load();
    };
    await assert.rejects(
      attempt(twoRows.slice(0, 1)),
      /Unmatched number of columns.*Table columns: 2, Data columns: 1/,
    );
    await assert.rejects(
      attempt([...twoRows.slice(0, 1), { name: 'second', data: [1n, 2n], type: 'INT64' }]),
      /incompatible Parquet schema for column 's3:\/\/lake\/1\.second'\. Column type: INTEGER, Parquet schema: BIGINT/,
    );
    await assert.rejects(
      attempt([
        { name: 'id', data: ['much too long'], type: 'STRING' },
        { name: 'n', data: [1], type: 'INT32' },
      ]),
      /value too long/,
    );
  });

  test('loads CSV and JSON', async () => {
    objects.set('s3://lake/csv/1', Buffer.from('id,pages\n"a,b",1\nc,\n'));
    objects.set('s3://lake/json/1', Buffer.from('{"pages":5,"id":"j"}\n'));
    await run(
      "COPY documents (id, pages) FROM 's3://lake/csv/' IAM_ROLE 'arn:aws:iam::000000000000:role/x' CSV IGNOREHEADER 1",
      "COPY documents FROM 's3://lake/json/1' IAM_ROLE default FORMAT JSON 'auto'",
    );
    assert.deepEqual(await ask('SELECT * FROM documents ORDER BY id'), [
      ['a,b', 1],
      ['c', null],
      ['j', 5],
    ]);
    await assert.rejects(
      run("COPY documents FROM 's3://lake/none' IAM_ROLE default FORMAT CSV"),
      /prefix 'none' does not exist/,
    );
  });
});

describe('MERGE', () => {
  const merge =
    'MERGE INTO documents USING stage ON documents.id = stage.id WHEN MATCHED THEN UPDATE SET pages = stage.pages WHEN NOT MATCHED THEN INSERT (id, pages) VALUES (stage.id, stage.pages)';

  test('run twice changes nothing the second time', async () => {
    for (let time = 0; time < 2; time++) {
      await run(STAGE, "INSERT INTO stage VALUES ('a', 1), ('b', 2)", merge);
    }
    assert.deepEqual(await ask('SELECT * FROM documents ORDER BY id'), [
      ['a', 1],
      ['b', 2],
    ]);
  });

  test('refuses two source rows for one target row', async () => {
    await run("INSERT INTO documents VALUES ('a', 1)");
    await assert.rejects(
      run(STAGE, "INSERT INTO stage VALUES ('a', 1), ('a', 2)", merge),
      /Found multiple matches to update the same tuple/,
    );
  });

  test('REMOVE DUPLICATES replaces what matches', async () => {
    await run("INSERT INTO documents VALUES ('a', 1)");
    await run(
      STAGE,
      "INSERT INTO stage VALUES ('a', 2), ('a', 2), ('b', 3)",
      'MERGE INTO documents USING stage ON documents.id = stage.id REMOVE DUPLICATES',
    );
    assert.deepEqual(await ask('SELECT * FROM documents ORDER BY id'), [
      ['a', 2],
      ['b', 3],
    ]);
  });

  test('a query as the source is refused, as in Redshift', async () => {
    await assert.rejects(
      run(merge.replace('USING stage', 'USING (SELECT 1) stage')),
      /syntax error at or near "\("/,
    );
  });
});

describe('transactions', () => {
  const merge = (n: number, lock: string[]) => [
    ...lock,
    STAGE,
    `INSERT INTO stage VALUES ('same', ${n})`,
    'MERGE INTO documents USING stage ON documents.id = stage.id WHEN MATCHED THEN UPDATE SET pages = stage.pages WHEN NOT MATCHED THEN INSERT VALUES (stage.id, stage.pages)',
  ];

  test('two that lock the table first both succeed, one after the other', async () => {
    await Promise.all([1, 2, 3, 4].map((n) => run(...merge(n, ['LOCK TABLE documents']))));
    assert.deepEqual(await ask('SELECT COUNT(*) FROM documents'), [[1]]);
  });

  test('one that saw the table before another changed it fails with 1023 and leaves nothing', async () => {
    const results = await Promise.allSettled(
      [1, 2, 3].map((n) => run(...merge(n, ['SELECT COUNT(*) FROM documents']))),
    );
    const failed = results.filter((result) => result.status === 'rejected');
    assert.ok(failed.length > 0);
    for (const { reason } of failed) {
      assert.match(
        String(reason),
        /ERROR: 1023 DETAIL: Serializable isolation violation on table - public\.documents/,
      );
    }
    assert.deepEqual(await ask('SELECT COUNT(*) FROM documents'), [[1]]);
  });

  test('the one that would make two wait for each other for ever fails', async () => {
    const locks = new TableLocks();
    const [first, second] = [newSession(), newSession()];
    await locks.lock(first, 'a');
    await locks.lock(second, 'b');
    const waiting = locks.lock(first, 'b');
    await assert.rejects(locks.lock(second, 'a'), /deadlock detected/);
    locks.end(second, []);
    await waiting;
    assert.deepEqual([...first.held], ['a', 'b']);
  });

  test('TRUNCATE commits', async () => {
    await run("INSERT INTO documents VALUES ('a', 1)");
    await assert.rejects(
      run('TRUNCATE documents', 'SELECT * FROM nowhere'),
      /relation "nowhere" does not exist/,
    );
    assert.deepEqual(await ask('SELECT COUNT(*) FROM documents'), [[0]]);
  });

  test('a receipt is kept if and only if the transaction is', async () => {
    await warehouse.transaction(["INSERT INTO documents VALUES ('a', 1)"], { receipt: () => 'kept' });
    await assert.rejects(
      warehouse.transaction(["INSERT INTO documents VALUES ('a', 1)", 'SELECT x'], { receipt: () => 'lost' }),
    );
    assert.deepEqual(await warehouse.receipts(), ['kept']);
    await warehouse.forgetReceipts();
    assert.deepEqual(await warehouse.receipts(), []);
  });

  test('a cancelled one undoes what it did', async () => {
    const abort = new AbortController();
    const running = warehouse.transaction(
      ["INSERT INTO documents VALUES ('a', 1)", 'SELECT COUNT(*) FROM range(100000000000) a'],
      {
        signal: abort.signal,
        onStart: (index) => index === 1 && setImmediate(() => abort.abort()),
      },
    );
    await assert.rejects(running, /cancelled on user's request/);
    assert.deepEqual(await ask('SELECT COUNT(*) FROM documents'), [[0]]);
  });
});

test('data is there after the database is opened again', async () => {
  await run("INSERT INTO documents VALUES ('a', 1)");
  warehouse.close();
  warehouse = await Warehouse.open(join(directory, 'test.duckdb'));
  assert.deepEqual(await ask('SELECT id FROM documents'), [['a']]);
});
