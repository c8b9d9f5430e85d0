import { renderQuery } from './dialect.ts';
import { SqlError } from './errors.ts';
import {
  identifierName,
  isWord,
  quoteName,
  quoteTable,
  splitAt,
  type TableName,
  type Token,
  TokenReader,
} from './tokens.ts';

/** A CREATE TABLE statement, understood. */
export interface TableDefinition {
  readonly name: TableName;
  readonly temporary: boolean;
  readonly ifNotExists: boolean;
  /** Columns and checks as DuckDB takes them, except where they come from another table or a query. */
  readonly body:
    | { readonly kind: 'columns'; readonly columns: readonly string[]; readonly sequences: readonly string[] }
    | { readonly kind: 'like'; readonly source: TableName; readonly defaults: boolean }
    | { readonly kind: 'query'; readonly sql: string };
}

/** Longest value in bytes by type, where none is written. `TEXT` and plain `VARCHAR` are VARCHAR(256) in Redshift. */
const CHARACTER_TYPES: Readonly<Record<string, number>> = {
  CHAR: 1,
  CHARACTER: 1,
  NCHAR: 1,
  BPCHAR: 256,
  VARCHAR: 256,
  NVARCHAR: 256,
  TEXT: 256,
};
const LONGEST_VARCHAR = 65_535;

/** Other types, by the first word of Redshift's name. */
const TYPES: Readonly<Record<string, string>> = {
  SMALLINT: 'SMALLINT',
  INT2: 'SMALLINT',
  INTEGER: 'INTEGER',
  INT: 'INTEGER',
  INT4: 'INTEGER',
  BIGINT: 'BIGINT',
  INT8: 'BIGINT',
  REAL: 'REAL',
  FLOAT4: 'REAL',
  FLOAT: 'DOUBLE',
  FLOAT8: 'DOUBLE',
  DOUBLE: 'DOUBLE',
  BOOLEAN: 'BOOLEAN',
  BOOL: 'BOOLEAN',
  DATE: 'DATE',
  TIME: 'TIME',
  TIMESTAMP: 'TIMESTAMP',
  TIMESTAMPTZ: 'TIMESTAMPTZ',
  SUPER: 'JSON',
  VARBYTE: 'BLOB',
  DECIMAL: 'DECIMAL',
  NUMERIC: 'DECIMAL',
};

/** Reads what follows `CREATE`. */
export function parseCreateTable(reader: TokenReader): TableDefinition {
  reader.accept('LOCAL');
  const temporary = reader.accept('TEMPORARY') || reader.accept('TEMP');
  reader.expect('TABLE');
  const ifNotExists = reader.accept('IF', 'NOT', 'EXISTS');
  const written = reader.table();
  const temporaryByName = written.table.startsWith('#');
  const name = temporary || temporaryByName ? { schema: undefined, table: written.table } : written;
  const head = { name, temporary: temporary || temporaryByName, ifNotExists };

  if (isWord(reader.peek(), 'AS')) return { ...head, body: query(reader) };
  const inside = reader.parenthesised();
  if (isWord(inside[0], 'LIKE')) {
    const like = new TokenReader(inside);
    like.expect('LIKE');
    const source = like.table();
    const defaults = like.accept('INCLUDING', 'DEFAULTS');
    return { ...head, body: { kind: 'like', source, defaults } };
  }
  skipTableAttributes(reader);
  // CREATE TABLE x (a, b) AS SELECT … renames the columns of the query.
  if (isWord(reader.peek(), 'AS')) throw new SqlError('column names before AS are not supported locally');
  if (!reader.done) reader.fail();
  const sequences: string[] = [];
  const columns = splitAt(inside, ',').flatMap((part) => columnDefinition(part, name, sequences));
  return { ...head, body: { kind: 'columns', columns, sequences } };
}

function query(reader: TokenReader): TableDefinition['body'] {
  reader.expect('AS');
  return { kind: 'query', sql: renderQuery(reader.rest()) };
}

/** Where rows lie and how they are compressed is Redshift's affair alone. */
function skipTableAttributes(reader: TokenReader): void {
  for (;;) {
    if (reader.accept('DISTSTYLE') || reader.accept('BACKUP') || reader.accept('ENCODE')) reader.next();
    else if (reader.accept('DISTKEY')) reader.parenthesised();
    else if (reader.accept('COMPOUND') || reader.accept('INTERLEAVED')) continue;
    else if (reader.accept('SORTKEY')) {
      if (!reader.accept('AUTO')) reader.parenthesised();
    } else return;
  }
}

/** One column for DuckDB with its checks; nothing for constraints, which Redshift does not enforce. */
function columnDefinition(part: readonly Token[], table: TableName, sequences: string[]): string[] {
  const reader = new TokenReader(part);
  if (isWord(reader.peek(), 'PRIMARY', 'UNIQUE', 'FOREIGN', 'CONSTRAINT')) return [];
  const name = identifierName(reader.next());
  const column = quoteName(name);
  const out = [column, columnType(reader, column)];
  while (!reader.done) out.push(...columnAttribute(reader, { name, table, sequences }));
  return [out.join(' ')];
}

function columnType(reader: TokenReader, column: string): string {
  const word = reader.next().text.toUpperCase();
  const characters = CHARACTER_TYPES[word];
  if (characters !== undefined) {
    reader.accept('VARYING');
    const length = isWord(reader.peek(), 'ENCODE') ? undefined : lengthOf(reader);
    const longest = length === 'MAX' ? LONGEST_VARCHAR : Number(length ?? characters);
    // Redshift counts bytes, and refuses a longer value.
    return `VARCHAR CHECK (strlen(${column}) <= ${longest})`;
  }
  const type = TYPES[word];
  if (!type) throw new SqlError(`type "${word.toLowerCase()}" does not exist`);
  reader.accept('PRECISION');
  if (reader.accept('WITH', 'TIME', 'ZONE')) return `${type} WITH TIME ZONE`;
  reader.accept('WITHOUT', 'TIME', 'ZONE');
  const length = lengthOf(reader);
  if (type !== 'DECIMAL') return type;
  return `DECIMAL(${length ?? '18, 0'})`;
}

function lengthOf(reader: TokenReader): string | undefined {
  if (reader.peek()?.text !== '(') return undefined;
  return reader
    .parenthesised()
    .map((token) => token.text.toUpperCase())
    .join(' ');
}

interface ColumnContext {
  readonly name: string;
  readonly table: TableName;
  readonly sequences: string[];
}

const CLAUSE_WORDS = [
  'NOT',
  'NULL',
  'ENCODE',
  'DISTKEY',
  'SORTKEY',
  'PRIMARY',
  'UNIQUE',
  'REFERENCES',
  'DEFAULT',
];

function columnAttribute(reader: TokenReader, { name, table, sequences }: ColumnContext): string[] {
  if (reader.accept('NOT', 'NULL')) return ['NOT NULL'];
  if (reader.accept('NULL') || reader.accept('DISTKEY') || reader.accept('SORTKEY')) return [];
  if (reader.accept('UNIQUE') || reader.accept('PRIMARY', 'KEY')) return [];
  if (reader.accept('COLLATE') || reader.accept('ENCODE')) {
    reader.next();
    return [];
  }
  if (reader.accept('REFERENCES')) {
    reader.table();
    if (reader.peek()?.text === '(') reader.parenthesised();
    return [];
  }
  if (reader.accept('DEFAULT')) {
    const value: Token[] = [];
    while (!reader.done && (value.length === 0 || !isWord(reader.peek(), ...CLAUSE_WORDS)))
      value.push(reader.next());
    return [`DEFAULT ${renderQuery(value)}`];
  }
  reader.accept('GENERATED', 'BY', 'DEFAULT', 'AS');
  reader.expect('IDENTITY');
  const [start = '1', step = '1'] = splitAt(reader.parenthesised(), ',').map((t) =>
    t.map((x) => x.text).join(''),
  );
  const sequence = quoteTable({ schema: table.schema, table: `${table.table}_${name}_identity` });
  sequences.push(`CREATE SEQUENCE IF NOT EXISTS ${sequence} START ${start} INCREMENT ${step}`);
  return [`DEFAULT nextval('${sequence.replaceAll("'", "''")}')`];
}
