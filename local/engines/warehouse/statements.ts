import { parseCopy } from './copy.ts';
import { renderQuery, translateExpressions } from './dialect.ts';
import { SqlError } from './errors.ts';
import { load } from './load.ts';
import { parseMerge } from './merge.ts';
import { resultSet } from './results.ts';
import { parseCreateTable } from './tables.ts';
import { isWord, quoteTable, render, type TableName, type Token, TokenReader } from './tokens.ts';
import type { StatementOutcome, Transaction } from './warehouse.ts';

type Execute = (
  reader: TokenReader,
  transaction: Transaction,
  statement: readonly Token[],
) => Promise<StatementOutcome>;

const NOTHING: StatementOutcome = { rows: -1 };

/** Runs one statement. @throws SqlError for what is not understood, and DuckDB's errors */
export async function execute(
  statement: readonly Token[],
  transaction: Transaction,
): Promise<StatementOutcome> {
  const reader = new TokenReader(statement);
  const keyword = reader.next().text.toUpperCase();
  const run = STATEMENTS[keyword];
  if (!run) throw new SqlError(`syntax error at or near "${keyword.toLowerCase()}"`);
  return run(reader, transaction, statement);
}

const query: Execute = async (_reader, transaction, statement) => {
  await transaction.begin();
  const result = resultSet(await transaction.connection.runAndReadAll(renderQuery(statement)));
  return { result, rows: result.rows.length };
};

/** A statement that changes one table, whose name comes next. */
const change: Execute = async (reader, transaction, statement) => {
  await transaction.write(reader.table());
  return changed(transaction, renderQuery(statement));
};

async function changed(transaction: Transaction, sql: string): Promise<StatementOutcome> {
  const { rowsChanged } = await transaction.connection.run(sql);
  return { rows: rowsChanged };
}

async function define(transaction: Transaction, what: string, sql: string): Promise<StatementOutcome> {
  await transaction.begin();
  transaction.markChanged(what);
  await transaction.connection.run(sql);
  return NOTHING;
}

/** Rights, statistics and settings of Redshift, which have no meaning here. */
const ignored: Execute = async () => NOTHING;

const refused: Execute = async (_reader, _transaction, [first]) => {
  throw new SqlError(`${first?.text.toUpperCase()} is not supported: each call runs as one transaction`);
};

const STATEMENTS: Readonly<Record<string, Execute>> = {
  SELECT: query,
  WITH: query,
  EXPLAIN: query,
  SHOW: query,
  INSERT: (reader, ...rest) => {
    reader.expect('INTO');
    return change(reader, ...rest);
  },
  UPDATE: change,
  DELETE: async (reader, transaction) => {
    reader.accept('FROM');
    const rest = reader.rest();
    await transaction.write(new TokenReader(rest).table());
    return changed(transaction, `DELETE FROM ${renderQuery(rest)}`);
  },
  MERGE: async (reader, transaction) => {
    const { target, duplicates, statements } = parseMerge(reader);
    await transaction.write(target);
    const found = await transaction.connection.runAndReadAll(duplicates);
    if (found.currentRowCount > 0) throw new SqlError('Found multiple matches to update the same tuple.');
    let rows = 0;
    for (const sql of statements) rows += (await changed(transaction, sql)).rows;
    return { rows };
  },
  COPY: async (reader, transaction) => {
    const copy = parseCopy(reader);
    await transaction.write(copy.table);
    const objects = transaction.options.objects?.(copy.role);
    if (!objects) throw new SqlError('COPY is not possible here: there is no S3 to read from');
    const rows = await load(transaction.connection, copy, objects, transaction.staging);
    await transaction.connection.run(`SET VARIABLE last_copy_count = ${rows}`);
    return { rows };
  },
  TRUNCATE: async (reader, transaction) => {
    reader.accept('TABLE');
    const table = reader.table();
    await transaction.write(table);
    await transaction.connection.run(`TRUNCATE ${quoteTable(table)}`);
    await transaction.commit();
    return NOTHING;
  },
  LOCK: async (reader, transaction) => {
    reader.accept('TABLE');
    do {
      const table = reader.table();
      await transaction.lock(table);
    } while (reader.acceptSymbol(','));
    if (!reader.done) reader.fail();
    return NOTHING;
  },
  CREATE: async (reader, transaction, statement) => {
    if (isWord(reader.peek(), 'SCHEMA')) return createSchema(reader, transaction);
    if (isWord(reader.peek(), 'OR', 'VIEW')) return createView(reader, transaction, statement);
    return createTable(reader, transaction);
  },
  DROP: async (reader, transaction, statement) => {
    const kind = reader.next();
    if (!isWord(kind, 'TABLE', 'VIEW', 'SCHEMA'))
      throw new SqlError(`syntax error at or near "${kind.text}"`);
    reader.accept('IF', 'EXISTS');
    const name = reader.table();
    await transaction.write(name);
    await transaction.connection.run(render(statement));
    return NOTHING;
  },
  ALTER: async (reader, transaction, statement) => {
    reader.expect('TABLE');
    await transaction.write(reader.table());
    await transaction.connection.run(renderQuery(statement));
    return NOTHING;
  },
  ANALYZE: ignored,
  COMMENT: ignored,
  GRANT: ignored,
  REVOKE: ignored,
  SET: async (reader, transaction) => {
    if (!reader.accept('SEARCH_PATH')) return NOTHING;
    if (!reader.acceptSymbol('=')) reader.expect('TO');
    const { table: schema } = reader.table();
    if (!reader.done) throw new SqlError('SET search_path takes one schema in the local warehouse');
    await transaction.searchIn(schema);
    return NOTHING;
  },
  VACUUM: ignored,
  ABORT: refused,
  BEGIN: refused,
  COMMIT: refused,
  END: refused,
  ROLLBACK: refused,
  START: refused,
};

async function createSchema(reader: TokenReader, transaction: Transaction): Promise<StatementOutcome> {
  reader.expect('SCHEMA');
  const condition = reader.accept('IF', 'NOT', 'EXISTS') ? 'IF NOT EXISTS ' : '';
  const name = quoteTable(reader.table());
  if (reader.accept('AUTHORIZATION')) reader.next();
  if (!reader.done) reader.fail();
  return define(transaction, `schema ${name}`, `CREATE SCHEMA ${condition}${name}`);
}

async function createView(
  reader: TokenReader,
  transaction: Transaction,
  statement: readonly Token[],
): Promise<StatementOutcome> {
  reader.accept('OR', 'REPLACE');
  reader.expect('VIEW');
  // A late-binding view ends with these words; views of DuckDB bind late by themselves.
  const words = statement.slice(-4).map((token) => token.text.toUpperCase());
  const late = words.join(' ') === 'WITH NO SCHEMA BINDING';
  const tokens = late ? statement.slice(0, -4) : statement;
  return define(transaction, `view ${reader.table().table}`, render(translateExpressions(tokens)));
}

async function createTable(reader: TokenReader, transaction: Transaction): Promise<StatementOutcome> {
  const { name, temporary, ifNotExists, body } = parseCreateTable(reader);
  if (ifNotExists && (await transaction.exists(name))) return NOTHING;
  if (temporary) transaction.markTemporary(name);
  await transaction.write(name);
  const table = `CREATE ${temporary ? 'TEMP ' : ''}TABLE ${quoteTable(name)}`;
  if (body.kind === 'query') return changed(transaction, `${table} AS ${body.sql}`);
  if (body.kind === 'columns') {
    for (const sequence of body.sequences) await transaction.connection.run(sequence);
  }
  const columns = body.kind === 'columns' ? body.columns : await likeColumns(body, name, transaction);
  await transaction.connection.run(`${table} (${columns.join(', ')})`);
  return NOTHING;
}

/** A temporary table may hide the table it is made like. */
function likeColumns(
  { source, defaults }: { source: TableName; defaults: boolean },
  name: TableName,
  transaction: Transaction,
): Promise<string[]> {
  const own = source.schema === undefined && source.table === name.table;
  return transaction.definitionOf(own ? { schema: 'public', table: source.table } : source, defaults);
}
