import { RecordScanner } from './record-scanner.ts';
import { RecordText } from './record-text.ts';
import { type RowReader, readerOf } from './row-reader.ts';
import type { Detected, RawRow, ReadOptions } from './types.ts';

/** Rows of CSV: texts by the names of the header. A row with more or fewer fields than the header is broken. */
export function csvReader(detected: Detected, options: ReadOptions): RowReader {
  const { delimiter = ',', header = [], encoding } = detected;
  const { firstLine = 1, columnOf = (name) => name } = options;
  const columns = header.map(columnOf);
  const text = new RecordText(encoding);
  const rows: RawRow[] = [];
  let headerAhead = firstLine === 1;

  const broken = (line: number, why: string) => {
    if (headerAhead) headerAhead = false;
    else rows.push({ line, broken: why });
  };
  const scanner = new RecordScanner(
    {
      record(window, start, end, line, quoted) {
        if (headerAhead) {
          headerAhead = false;
          return;
        }
        const record = text.of(window, start, end);
        if (typeof record !== 'string') return broken(line, record.why);
        const values = quoted ? splitQuoted(record, delimiter) : record.split(delimiter);
        if (values.length !== columns.length) {
          return broken(line, `The row has ${values.length} fields and the header has ${columns.length}.`);
        }
        rows.push({ line, fields: fieldsOf(columns, values) });
      },
      broken: (_window, _start, line, why) => broken(line, why),
    },
    detected,
    firstLine,
  );
  return readerOf(scanner, rows);
}

function fieldsOf(
  columns: readonly (string | undefined)[],
  values: readonly string[],
): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    if (column !== undefined) fields[column] = values[i] ?? '';
  }
  return fields;
}

/** The fields of a record whose quoting the scanner has found right. */
export function splitQuoted(record: string, delimiter: string): string[] {
  const values: string[] = [];
  let at = 0;
  for (;;) {
    let end: number;
    if (record[at] === '"') {
      end = at + 1;
      let doubled = false;
      for (;;) {
        end = record.indexOf('"', end);
        if (record[end + 1] !== '"') break;
        doubled = true;
        end += 2;
      }
      const value = record.slice(at + 1, end);
      values.push(doubled ? value.replaceAll('""', '"') : value);
      end++;
    } else {
      end = record.indexOf(delimiter, at);
      if (end < 0) end = record.length;
      values.push(record.slice(at, end));
    }
    if (end >= record.length) return values;
    at = end + 1;
  }
}
