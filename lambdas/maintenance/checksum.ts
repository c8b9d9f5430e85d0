import { hash } from 'node:crypto';
import type { Row, Value } from '../shared/dataset/values.ts';

const MASK = (1n << 128n) - 1n;

/** Number of rows, and a sum over their values that does not depend on their order. */
export class RowsChecksum {
  #rows = 0;
  #sum = 0n;

  /** Adds a row: the first 128 bits of its digest, so that rows cannot stand in for each other. */
  add(row: Row): void {
    this.#rows += 1;
    this.#sum = (this.#sum + BigInt(`0x${hash('sha256', textOf(row)).slice(0, 32)}`)) & MASK;
  }

  get rows(): number {
    return this.#rows;
  }

  /** The same for the same rows, in whatever order. */
  toString(): string {
    return `${this.#rows}:${this.#sum.toString(16)}`;
  }
}

function textOf(row: Row): string {
  return JSON.stringify(row.map(plain));
}

/** Types of columns are fixed, so that a number written as text cannot be taken for a text. */
function plain(value: Value): string | number | boolean | null {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return Object.is(value, -0) ? '-0' : String(value);
  }
  return value;
}
