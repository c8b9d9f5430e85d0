import { z } from 'zod';
import { literal, type ResultSet, type Warehouse } from '../../engines/warehouse/index.ts';
import { AwsError, type Shape } from '../service.ts';

const connection = {
  Database: z.string(),
  WorkgroupName: z.string().optional(),
  ClusterIdentifier: z.string().optional(),
  SecretArn: z.string().optional(),
  DbUser: z.string().optional(),
  ConnectedDatabase: z.string().optional(),
  MaxResults: z.number().int().optional(),
  NextToken: z.string().optional(),
};

export const ListSchemas = z.object({ ...connection, SchemaPattern: z.string().default('%') });
export const ListTables = z.object({
  ...connection,
  SchemaPattern: z.string().default('%'),
  TablePattern: z.string().default('%'),
});
export const DescribeTable = z.object({
  ...connection,
  Schema: z.string().default('public'),
  Table: z.string(),
});
export const ListDatabases = z.object(connection);

/** The runtime's own schemas, and those of DuckDB that Redshift has not. */
const HIDDEN = "('millrace_internal', 'main')";

export async function listSchemas(
  warehouse: Warehouse,
  { SchemaPattern }: z.output<typeof ListSchemas>,
): Promise<Shape> {
  const rows = await ask(
    warehouse,
    `SELECT DISTINCT schema_name FROM information_schema.schemata WHERE catalog_name = current_database()` +
      ` AND schema_name NOT IN ${HIDDEN} AND schema_name ILIKE ${literal(SchemaPattern)} ORDER BY 1`,
  );
  return { Schemas: rows.map(([name]) => name) };
}

export async function listTables(
  warehouse: Warehouse,
  { SchemaPattern, TablePattern }: z.output<typeof ListTables>,
): Promise<Shape> {
  const rows = await ask(
    warehouse,
    `SELECT table_name, table_schema, CASE table_type WHEN 'BASE TABLE' THEN 'TABLE' ELSE table_type END` +
      ` FROM information_schema.tables WHERE table_catalog = current_database() AND table_schema NOT IN ${HIDDEN}` +
      ` AND table_schema ILIKE ${literal(SchemaPattern)} AND table_name ILIKE ${literal(TablePattern)} ORDER BY 2, 1`,
  );
  return { Tables: rows.map(([name, schema, type]) => ({ name, schema, type })) };
}

export async function describeTable(
  warehouse: Warehouse,
  { Schema, Table }: z.output<typeof DescribeTable>,
): Promise<Shape> {
  const name = [Schema, Table].map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
  const [outcome] = await warehouse
    .transaction([`SELECT * FROM ${name} LIMIT 0`])
    .catch(() =>
      Promise.reject(new AwsError('ValidationException', `Table ${Schema}.${Table} does not exist.`)),
    );
  const columns = outcome?.result ? columnMetadata(outcome.result) : [];
  return {
    TableName: Table,
    ColumnList: columns.map((column) => ({ ...column, schemaName: Schema, tableName: Table })),
  };
}

/** `ColumnMetadata` of the API. */
export function columnMetadata({ columns }: ResultSet): Shape[] {
  return columns.map(({ name, typeName, precision, scale, length }) => ({
    name,
    label: name,
    typeName,
    precision,
    scale,
    length,
    nullable: 1,
    isCaseSensitive: typeName === 'varchar',
    isCurrency: false,
    isSigned: /^(int|float|numeric)/.test(typeName),
    schemaName: '',
    tableName: '',
  }));
}

async function ask(warehouse: Warehouse, sql: string): Promise<string[][]> {
  const [outcome] = await warehouse.transaction([sql]);
  return (outcome?.result?.rows ?? []).map((row) => row.map((field) => String(Object.values(field)[0])));
}
