import { randomUUID } from 'node:crypto';
import type { StateMachine } from '../../asl/definition.ts';
import { isStateMachine, validateDefinition } from '../../asl/validate.ts';
import { AwsError } from '../service.ts';
import type { LoggingConfiguration, MachineRow, MachineType, Revision, Store } from './store.ts';

export const NO_LOGGING: LoggingConfiguration = {
  level: 'OFF',
  includeExecutionData: false,
  destinations: [],
};

/** What a state machine is made of. */
export interface MachineSettings {
  readonly name: string;
  readonly type: MachineType;
  readonly roleArn: string;
  /** JSON text. */
  readonly definition: string;
  readonly logging: LoggingConfiguration;
  readonly tracing: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** State machines and their revisions. An execution keeps the revision that it was started with. */
export class Machines {
  readonly #store: Store;
  readonly #rows = new Map<string, MachineRow>();
  readonly #revisions = new Map<string, Revision>();
  readonly #definitions = new Map<string, StateMachine>();

  constructor(store: Store) {
    this.#store = store;
    for (const row of store.bodies<MachineRow>('SELECT body FROM machines')) this.#rows.set(row.arn, row);
  }

  find(arn: string): MachineRow | undefined {
    return this.#rows.get(arn);
  }

  /** @throws AwsError `StateMachineDoesNotExist` */
  get(arn: string): MachineRow {
    const row = this.#rows.get(arn);
    if (row) return row;
    throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  }

  list(): MachineRow[] {
    return [...this.#rows.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  revision(id: string): Revision {
    const known =
      this.#revisions.get(id) ??
      this.#store.bodies<Revision>('SELECT body FROM revisions WHERE id = ?', id)[0];
    if (!known) throw new Error(`the definition ${id} of an execution is lost`);
    this.#revisions.set(id, known);
    return known;
  }

  /** The definition of a revision, parsed once. */
  definition(revision: Revision): StateMachine {
    let definition = this.#definitions.get(revision.id);
    if (!definition) {
      definition = parseDefinition(revision.definition);
      this.#definitions.set(revision.id, definition);
    }
    return definition;
  }

  /** Creates a state machine or updates it; a new revision comes only with a change. Running executions keep theirs. */
  put(arn: string, settings: MachineSettings, now: number): MachineRow {
    parseDefinition(settings.definition);
    const { name, tracing, tags, ...rest } = settings;
    const former = this.#rows.get(arn);
    const before = former && this.revision(former.revision);
    const same =
      before &&
      before.definition === rest.definition &&
      before.roleArn === rest.roleArn &&
      before.type === rest.type &&
      JSON.stringify(before.logging) === JSON.stringify(rest.logging);
    const revision = same
      ? before
      : this.addRevision({ id: randomUUID(), machineArn: arn, name, ...rest, updateDate: now });
    return this.#save({
      arn,
      name,
      revision: revision.id,
      creationDate: former?.creationDate ?? now,
      tracing,
      tags,
    });
  }

  addRevision(revision: Revision): Revision {
    if (this.#revisions.has(revision.id)) return revision;
    this.#revisions.set(revision.id, revision);
    const body = JSON.stringify(revision);
    this.#store.later(() =>
      this.#store.run('INSERT OR IGNORE INTO revisions VALUES (?, ?)', revision.id, body),
    );
    return revision;
  }

  tag(arn: string, tags: Readonly<Record<string, string>>): void {
    this.#save({ ...this.get(arn), tags });
  }

  delete(arn: string): void {
    if (this.#rows.delete(arn))
      this.#store.later(() => this.#store.run('DELETE FROM machines WHERE arn = ?', arn));
  }

  #save(row: MachineRow): MachineRow {
    this.#rows.set(row.arn, row);
    const body = JSON.stringify(row);
    this.#store.later(() => this.#store.run('INSERT OR REPLACE INTO machines VALUES (?, ?)', row.arn, body));
    return row;
  }
}

/** @throws AwsError `InvalidDefinition` with every problem found */
export function parseDefinition(text: string): StateMachine {
  const problems = validateDefinition(text);
  const definition: unknown = problems.length ? undefined : JSON.parse(text);
  if (isStateMachine(definition)) return definition;
  throw new AwsError(
    'InvalidDefinition',
    `Invalid State Machine Definition: '${problems.map((problem) => `SCHEMA_VALIDATION_FAILED: ${problem}`).join(', ')}'`,
  );
}
