import type { Dataset, Files, OnSchemaChange } from '../../datasets/dataset.ts';
import type { Reason } from '../shared/contract.ts';
import { mapColumns } from '../shared/dataset/columns.ts';
import type { SchemaChange } from './contract.ts';
import { refuse } from './reasons.ts';

/** Names of unknown columns that are told; more are noise. */
const MOST_NAMES = 50;

/** What the columns of a file mean for it. */
export interface ColumnsJudged {
  readonly schemaChange?: SchemaChange;
  /** The file is refused. */
  readonly refusal?: Reason;
  /** Each of its rows goes to quarantine. */
  readonly everyRow?: Reason;
}

/** The declaration of files. @throws Error for a dataset that has none */
export function filesOf({ name, files }: Dataset): Files {
  if (!files) throw new Error(`${name} does not come in files.`);
  return files;
}

/**
 * Compares the columns of a file with the declaration.
 * @param isWhole whether these are all columns that its rows have: JSON leaves out what is empty
 */
export function judgeColumns(dataset: Dataset, names: readonly string[], isWhole: boolean): ColumnsJudged {
  const { onNewColumn, onMissingColumn } = filesOf(dataset);
  const { unknown, missing, missingRequired } = mapColumns(dataset, names);
  if (isWhole && missingRequired.length > 0)
    return {
      schemaChange: { added: unknown.slice(0, MOST_NAMES), missing: [...missing, ...missingRequired] },
      refusal: refuse.missingColumns(dataset.name, missingRequired),
    };
  const change = { added: unknown.slice(0, MOST_NAMES), missing: isWhole ? missing : [] };
  if (change.added.length + change.missing.length === 0) return {};
  const does = (what: OnSchemaChange) =>
    (change.added.length > 0 && onNewColumn === what) ||
    (change.missing.length > 0 && onMissingColumn === what);
  const reason = refuse.schemaChanged(dataset.name, change);
  if (does('halt')) return { schemaChange: change, refusal: reason };
  return { schemaChange: change, ...(does('quarantine') && { everyRow: reason }) };
}

/** Finds the declared column of each name that rows have, and remembers names that are not known. */
export class ColumnFinder {
  readonly #dataset: Dataset;
  readonly #known: ReadonlyMap<string, string>;
  readonly #unknown = new Set<string>();
  readonly #later = new Map<string, string | undefined>();

  /** @param header names that are known to come, all at once: of two that mean the same column the first counts */
  constructor(dataset: Dataset, header: readonly string[]) {
    this.#dataset = dataset;
    const { columns, unknown } = mapColumns(dataset, header);
    this.#known = columns;
    for (const name of unknown) this.#later.set(name, undefined);
  }

  columnOf = (name: string): string | undefined => {
    const column = this.#known.get(name);
    if (column !== undefined) return column;
    if (!this.#later.has(name)) {
      const found = mapColumns(this.#dataset, [name]).columns.get(name);
      this.#later.set(name, found);
      if (found === undefined && this.#unknown.size < MOST_NAMES) this.#unknown.add(name);
    }
    return this.#later.get(name);
  };

  /** Names that came unannounced and that the declaration does not know. */
  get unknown(): readonly string[] {
    return [...this.#unknown].sort();
  }
}
