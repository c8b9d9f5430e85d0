/** A statement that Redshift would refuse; the message is what the Data API reports as `Error`. */
export class SqlError extends Error {
  override readonly name = 'SqlError';

  constructor(message: string, options?: ErrorOptions) {
    super(message.startsWith('ERROR:') ? message : `ERROR: ${message}`, options);
  }
}

/** Two transactions that wrote one table at once; running the refused one again is safe. */
export function serializationConflict(table: string, cause?: unknown): SqlError {
  return new SqlError(`ERROR: 1023 DETAIL: Serializable isolation violation on table - ${table}`, { cause });
}

/** DuckDB's messages and what Redshift says instead, so that callers recognise the cause by the same words. */
const TRANSLATIONS: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [
    /Could not convert string '([\s\S]*)' to U?INT\d+/,
    ([, value]) => `invalid input syntax for integer: "${value}"`,
  ],
  [
    /Could not convert string '([\s\S]*)' to (\w+)/,
    ([, value, type]) => `invalid input syntax for type ${type?.toLowerCase()}: "${value}"`,
  ],
  [
    /CHECK constraint failed on table (\S+) with expression CHECK\(\(strlen\((.+)\) <= (\d+)\)\)/,
    ([, table, column, bytes]) =>
      `value too long for type character varying(${bytes}): column ${column} of ${table}`,
  ],
  [
    /NOT NULL constraint failed: (\w+)\.(\S+)/,
    ([, , column]) => `Cannot insert a NULL value into column ${column}`,
  ],
  [/Table with name (\S+) does not exist/, ([, name]) => `relation "${name}" does not exist`],
  [/Table with name "?([^"\s]+)"? already exists/, ([, name]) => `Relation "${name}" already exists`],
  [/Schema with name "?([^"\s]+)"? already exists/, ([, name]) => `Schema "${name}" already exists`],
  [/Schema with name (\S+) does not exist/, ([, name]) => `schema "${name}" does not exist`],
  [/Referenced column "([^"]+)"/, ([, name]) => `column "${name}" does not exist`],
  [
    /Scalar Function with name (\S+) does not exist/,
    ([, name]) => `function ${name} does not exist in the local warehouse`,
  ],
  [/syntax error at or near "([^"]*)"/, ([, near]) => `syntax error at or near "${near}"`],
];

const CONFLICT = /conflict|Failed to commit/i;

/** Turns an error of DuckDB into the one Redshift would report. */
export function redshiftError(error: unknown): SqlError {
  if (error instanceof SqlError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (/^TransactionContext Error/.test(message) && CONFLICT.test(message)) {
    return serializationConflict('(see cause)', error);
  }
  for (const [pattern, translate] of TRANSLATIONS) {
    const match = pattern.exec(message);
    if (match) return new SqlError(translate(match), { cause: error });
  }
  return new SqlError(message, { cause: error });
}
