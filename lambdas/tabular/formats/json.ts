import { jsonRow } from './json-row.ts';
import { JsonScanner } from './json-scanner.ts';
import { RecordText } from './record-text.ts';
import { type RowReader, readerOf } from './row-reader.ts';
import { type Detected, MAX_RECORD_BYTES, type RawRow, type ReadOptions } from './types.ts';

/** Rows of a JSON document that is a list of objects, or one object with one list; `line` is a record's number. */
export function jsonReader(_detected: Detected, options: ReadOptions): RowReader {
  const text = new RecordText('utf-8');
  const toRow = jsonRow(options.columnOf);
  const rows: RawRow[] = [];
  let number = 0;
  const scanner = new JsonScanner({
    element(window, start, end) {
      const record = text.of(window, start, end);
      number++;
      rows.push(typeof record === 'string' ? toRow(record, number) : { line: number, broken: record.why });
    },
    tooLong: () =>
      rows.push({ line: ++number, broken: `The record is longer than ${MAX_RECORD_BYTES} bytes.` }),
  });
  return readerOf(scanner, rows);
}
