import type { Reason } from '../shared/contract.ts';
import type { ReasonCode, RowCounts, SchemaChange } from './contract.ts';

const reason = (code: ReasonCode, message: string): Reason => ({ code, message });

/** `1,234` */
const count = (n: number): string => n.toLocaleString('en-US');

/** `7.8 %` */
const share = (part: number): string => `${Number((part * 100).toFixed(2))} %`;

const names = (list: readonly string[]): string =>
  list.length > 10 ? `${list.slice(0, 10).join(', ')} and ${list.length - 10} more` : list.join(', ');

/** The sentences of support: what is wrong with a file, and what to do. */
export const refuse = {
  empty: () =>
    reason('EMPTY_FILE', 'The file is empty (0 bytes). Check the export, and send the file again.'),
  noRows: () =>
    reason('NO_ROWS', 'The file has no row: at most a header. Check the export, and send the file again.'),
  tooLarge: (bytes: number, most: number) =>
    reason(
      'TOO_LARGE',
      `The file has ${count(bytes)} bytes; at most ${count(most)} are taken. Split it, and send the parts under names of their own.`,
    ),
  deleted: () =>
    reason('DELETED', 'The file was deleted before it was read. Send it again if it is still wanted.'),
  badName: () =>
    reason(
      'BAD_NAME',
      'The name of the file ends in a space, which the warehouse cannot tell from the name without it. Send it under another name.',
    ),
  missingColumns: (dataset: string, columns: readonly string[]) =>
    reason(
      'MISSING_COLUMNS',
      `The file lacks ${names(columns)}, which every row of ${dataset} needs. Check the header, and send the file again.`,
    ),
  schemaChanged: (dataset: string, { added, missing }: SchemaChange) =>
    reason(
      'SCHEMA_CHANGED',
      [
        `The columns of the file are not those of ${dataset}:`,
        ...(added.length > 0 ? [`${names(added)} ${added.length === 1 ? 'is' : 'are'} not known;`] : []),
        ...(missing.length > 0 ? [`${names(missing)} ${missing.length === 1 ? 'is' : 'are'} missing;`] : []),
        'declare the change or send the file in the declared form.',
      ].join(' '),
    ),
  overTolerance: (
    dataset: string,
    { rowsRead, quarantined }: RowCounts,
    tolerance: number,
    codes: Readonly<Record<string, number>>,
  ) =>
    reason(
      'OVER_TOLERANCE',
      `${count(quarantined)} of ${count(rowsRead)} rows (${share(quarantined / rowsRead)}) are no rows of ${dataset}; at most ${share(tolerance)} may be wrong. ${Object.entries(
        codes,
      )
        .sort(([, a], [, b]) => b - a)
        .slice(0, 5)
        .map(([code, rows]) => `${code}: ${count(rows)}`)
        .join(', ')}. Correct the file, and send it again under its name.`,
    ),
} as const;
