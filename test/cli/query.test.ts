import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOnly } from '../../bin/millrace/query.ts';

for (const sql of [
  'SELECT 1',
  "  select * from sales where status = 'DELETE; it' ;",
  'WITH a AS (SELECT 1 AS "into") SELECT "into", updated_at FROM a -- drop; nothing',
  'SHOW search_path',
  'EXPLAIN SELECT /* ; insert */ 1',
  'SELECT $$ ; truncate $$',
  "SELECT 1 WHERE 'a1' ~ '\\\\d'",
]) {
  test(`${sql} is a query`, () => {
    assert.equal(readOnly(sql), sql.trim().replace(/;\s*$/, ''));
  });
}

for (const [sql, says] of [
  ['', /only reads/],
  ['DELETE FROM sales', /only reads/],
  ['/* SELECT */ DROP TABLE sales', /only reads/],
  ['SELECT 1; DELETE FROM sales', /one query at a time/],
  ["SELECT '; ' ; SELECT 2", /one query at a time/],
  ['SELECT * INTO other FROM sales', /INTO is refused/],
  ['WITH a AS (SELECT 1) INSERT INTO sales SELECT * FROM a', /INSERT is refused/],
  ['EXPLAIN DELETE FROM sales', /DELETE is refused/],
  // Of a text that ends at the second quote, or at the third where a backslash escapes.
  ["SELECT '\\'' AS a INTO t FROM sales --'", /INTO is refused/],
  ["SELECT '\\' AS a INTO t FROM sales --'", /INTO is refused/],
  ['SELECT pg_terminate_backend(1)', /PG_TERMINATE_BACKEND is refused/],
  ['GRANT ALL ON sales TO PUBLIC', /only reads/],
] as const) {
  test(`${sql || 'nothing'} is refused`, () => {
    assert.throws(() => readOnly(sql), { name: 'WrongUsage', message: says });
  });
}
