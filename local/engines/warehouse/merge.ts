import { renderQuery } from './dialect.ts';
import { SqlError } from './errors.ts';
import { isWord, quoteTable, type TableName, type Token, type TokenReader } from './tokens.ts';

export interface Merge {
  readonly target: TableName;
  /** Returns a row when two rows of the source match one row of the target, which Redshift refuses. */
  readonly duplicates: string;
  readonly statements: readonly string[];
}

/**
 * Reads what follows `MERGE`, in Redshift's form: a table as the source (no query), and either REMOVE DUPLICATES or both
 * WHEN MATCHED and WHEN NOT MATCHED.
 */
export function parseMerge(reader: TokenReader): Merge {
  reader.expect('INTO');
  const target = reader.table();
  reader.expect('USING');
  const source = reader.table();
  const alias: Token[] = [];
  if (reader.accept('AS') || !isWord(reader.peek(), 'ON')) alias.push(reader.next());
  reader.expect('ON');
  const on = until(reader, 'WHEN', 'REMOVE');

  const into = quoteTable(target);
  const using = [quoteTable(source), ...alias.map((token) => token.text)].join(' ');
  const condition = renderQuery(on);
  const duplicates =
    `SELECT 1 FROM ${into} JOIN ${using} ON ${condition}` +
    ` GROUP BY ${quoteTable({ schema: undefined, table: target.table })}.rowid HAVING count(*) > 1 LIMIT 1`;

  if (reader.accept('REMOVE', 'DUPLICATES')) {
    if (!reader.done) reader.fail();
    return {
      target,
      // Here a source row that comes twice is what the statement is for.
      duplicates: 'SELECT 1 LIMIT 0',
      statements: [
        `DELETE FROM ${into} USING ${using} WHERE ${condition}`,
        `INSERT INTO ${into} SELECT DISTINCT * FROM ${quoteTable(source)}`,
      ],
    };
  }
  const clauses = reader.rest();
  const words = clauses.map((token) => token.text.toUpperCase()).join(' ');
  if (!/\bWHEN MATCHED THEN\b/.test(words) || !/\bWHEN NOT MATCHED THEN\b/.test(words)) {
    throw new SqlError('MERGE needs both WHEN MATCHED THEN and WHEN NOT MATCHED THEN');
  }
  return {
    target,
    duplicates,
    statements: [`MERGE INTO ${into} USING ${using} ON ${condition} ${renderQuery(clauses)}`],
  };
}

function until(reader: TokenReader, ...words: string[]): Token[] {
  const taken: Token[] = [];
  while (!reader.done && !isWord(reader.peek(), ...words)) {
    const token = reader.peek();
    if (token?.text === '(') taken.push(reader.next(), ...insideWithClose(reader));
    else taken.push(reader.next());
  }
  return taken;
}

/** The rest of a parenthesised condition, whose CASE … WHEN does not end it. */
function insideWithClose(reader: TokenReader): Token[] {
  const taken: Token[] = [];
  for (let depth = 1; depth > 0; ) {
    const token = reader.next();
    if (token.text === '(') depth++;
    if (token.text === ')') depth--;
    taken.push(token);
  }
  return taken;
}
