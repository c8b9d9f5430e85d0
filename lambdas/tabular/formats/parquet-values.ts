import { isUtf8 } from 'node:buffer';
import { type FileMetaData, type ParquetParsers, parquetSchema, type SchemaElement } from 'hyparquet';

/** Stands for a text that is not UTF-8. */
export const NOT_UTF8 = Symbol('not UTF-8');

export const PARSERS: Partial<ParquetParsers> = { stringFromBytes: textOf, jsonFromBytes: textOf };

function textOf(bytes: Uint8Array): string | typeof NOT_UTF8 {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.includes('\ufffd') && !isUtf8(bytes) ? NOT_UTF8 : text;
}

/**
 * For each column of the file, what makes a row's value of what hyparquet gives. Decimals are read as the integers they
 * are kept as, for which the footer's types are changed: hyparquet would make doubles of them.
 */
export function valueReaders(metadata: FileMetaData): Map<string, (value: unknown) => unknown> {
  return new Map(parquetSchema(metadata).children.map(({ element }) => [element.name, readerOf(element)]));
}

function readerOf(element: SchemaElement): (value: unknown) => unknown {
  const logical = element.logical_type;
  if (element.converted_type === 'DECIMAL' || logical?.type === 'DECIMAL') {
    const scale = (logical?.type === 'DECIMAL' ? logical.scale : undefined) ?? element.scale ?? 0;
    delete element.converted_type;
    delete element.logical_type;
    return (value) => (value === null || value === undefined ? null : decimalText(unscaled(value), scale));
  }
  return plain;
}

/** Integers as numbers where these are exact; bytes without a type are texts, as old writers leave them. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  return value instanceof Uint8Array ? textOf(value) : value;
}

/** The integer of a decimal: as it is, or as big-endian bytes in two's complement. */
function unscaled(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof Uint8Array) {
    const hex = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
    return BigInt.asIntN(value.length * 8, BigInt(`0x${hex || '0'}`));
  }
  return BigInt(Number(value));
}

function decimalText(value: bigint, scale: number): string {
  if (scale <= 0) return String(value * 10n ** BigInt(-scale));
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
