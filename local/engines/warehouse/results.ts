import { type DuckDBResultReader, type DuckDBType, DuckDBTypeId } from '@duckdb/node-api';

/** One value of a result, as the Data API writes it (API reference, `Field`). */
export type Field =
  | { readonly isNull: true }
  | { readonly stringValue: string }
  | { readonly longValue: number }
  | { readonly doubleValue: number }
  | { readonly booleanValue: boolean };

export interface ResultColumn {
  readonly name: string;
  /** Redshift's short name, such as `int8`. */
  readonly typeName: string;
  readonly length: number;
  readonly precision: number;
  readonly scale: number;
}

export interface ResultSet {
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly (readonly Field[])[];
}

const long = (value: unknown): Field => ({ longValue: Number(value) });
const double = (value: unknown): Field => ({ doubleValue: Number(value) });
const text = (value: unknown): Field => ({
  stringValue: typeof value === 'object' ? JSON.stringify(value) : String(value),
});
const boolean = (value: unknown): Field => ({ booleanValue: value === true });

/** By DuckDB's type: Redshift's name, the field it comes in, and its precision. Integers over 2^53 lose digits. */
const TYPES: Readonly<
  Record<number, readonly [name: string, field: (value: unknown) => Field, precision: number]>
> = {
  [DuckDBTypeId.BOOLEAN]: ['bool', boolean, 1],
  [DuckDBTypeId.TINYINT]: ['int2', long, 5],
  [DuckDBTypeId.SMALLINT]: ['int2', long, 5],
  [DuckDBTypeId.INTEGER]: ['int4', long, 10],
  [DuckDBTypeId.UINTEGER]: ['int8', long, 19],
  [DuckDBTypeId.BIGINT]: ['int8', long, 19],
  [DuckDBTypeId.UBIGINT]: ['int8', long, 19],
  // The sum of integers, which Redshift makes a BIGINT; that of BIGINT, a NUMERIC there, is cast where it matters.
  [DuckDBTypeId.HUGEINT]: ['int8', long, 19],
  [DuckDBTypeId.FLOAT]: ['float4', double, 8],
  [DuckDBTypeId.DOUBLE]: ['float8', double, 17],
  [DuckDBTypeId.DECIMAL]: ['numeric', text, 38],
  [DuckDBTypeId.DATE]: ['date', text, 13],
  [DuckDBTypeId.TIMESTAMP]: ['timestamp', text, 29],
  [DuckDBTypeId.TIMESTAMP_TZ]: ['timestamptz', text, 35],
};
const OTHER_TYPE = ['varchar', text, 65_535] as const;

/** Reads a whole result. */
export function resultSet(reader: DuckDBResultReader): ResultSet {
  const types = reader.columnTypes();
  const columns = reader.columnNames().map((name, index): ResultColumn => {
    const type = types[index];
    const [typeName, , precision] = typeOf(type);
    const scale = type?.typeId === DuckDBTypeId.DECIMAL && 'scale' in type ? Number(type.scale) : 0;
    return {
      name: columnName(name),
      typeName: type?.alias === 'JSON' ? 'super' : typeName,
      length: 0,
      precision,
      scale,
    };
  });
  const rows = reader
    .getRowsJson()
    .map((row) =>
      row.map((value, index): Field => (value === null ? { isNull: true } : typeOf(types[index])[1](value))),
    );
  return { columns, rows };
}

function typeOf(type: DuckDBType | undefined) {
  return TYPES[type?.typeId ?? -1] ?? OTHER_TYPE;
}

/** Redshift folds names to lower case, names a call after its function, and other expressions `?column?`. */
function columnName(name: string): string {
  if (/^[\w ]+$/.test(name)) return name.toLowerCase();
  const [, called] = /^"?(\w+)"?\(/.exec(name) ?? [];
  if (called === 'count_star') return 'count';
  return called && called.toUpperCase() !== 'CAST' ? called.toLowerCase() : '?column?';
}
