import { type Dataset, plainName } from '../../../datasets/dataset.ts';

/** How the columns of a file and those of a declaration go together. */
export interface ColumnMapping {
  /** Name in the file → name in the declaration. */
  readonly columns: ReadonlyMap<string, string>;
  /** Names in the file that the declaration does not know, or that name a column for the second time. */
  readonly unknown: readonly string[];
  /** Declared columns that the file does not have and that may be empty. */
  readonly missing: readonly string[];
  /** Declared columns that the file does not have and that every row needs. */
  readonly missingRequired: readonly string[];
}

/**
 * Finds the declared column of each column of a file. Case, spaces, hyphens and dots are forgiven (`Order-ID` is
 * `order_id`), and a declaration's aliases are as good as its names.
 */
export function mapColumns(dataset: Dataset, names: readonly string[]): ColumnMapping {
  const declared = new Map(
    dataset.columns.flatMap(({ name, aliases = [] }) =>
      [name, ...aliases].map((known) => [plainName(known), name]),
    ),
  );
  const columns = new Map<string, string>();
  const unknown: string[] = [];
  const found = new Set<string>();
  for (const name of names) {
    const column = declared.get(plainName(name));
    if (column === undefined || found.has(column)) {
      unknown.push(name);
    } else {
      columns.set(name, column);
      found.add(column);
    }
  }
  const absent = dataset.columns.filter(({ name }) => !found.has(name));
  return {
    columns,
    unknown,
    missing: absent.filter(({ required }) => !required).map(({ name }) => name),
    missingRequired: absent.filter(({ required }) => required).map(({ name }) => name),
  };
}
