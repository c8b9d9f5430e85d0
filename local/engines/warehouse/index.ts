export type { ObjectReader } from './copy-objects.ts';
export { SqlError } from './errors.ts';
export type { Field, ResultColumn, ResultSet } from './results.ts';
export { literal, render, splitStatements, tokenize } from './tokens.ts';
export { type StatementOutcome, type TransactionOptions, Warehouse } from './warehouse.ts';
