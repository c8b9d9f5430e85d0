import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  literal,
  render,
  SqlError,
  type StatementOutcome,
  tokenize,
  Warehouse,
} from '../../engines/warehouse/index.ts';
import type { RuntimeContext } from '../service.ts';
import { isOver, type Parameter, type Results, type StatementRecord, type Status } from './records.ts';
import type { StatementStore } from './store.ts';
import { namespaceOf, objectReader } from './target.ts';

/** Begins as Redshift, with PostgreSQL's text, tells of a workgroup that went away under a statement. */
const INTERRUPTED =
  'FATAL: terminating connection due to administrator command: the statement was interrupted because the local runtime stopped; nothing of it was kept. Run it again.';

interface Running {
  readonly record: StatementRecord;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/** Runs statements in the background, one transaction for each call, and writes down how they fare. */
export class StatementRunner {
  readonly #context: RuntimeContext;
  readonly #store: StatementStore;
  readonly #directory: string;
  readonly #warehouses = new Map<string, Promise<Warehouse>>();
  readonly #running = new Map<string, Running>();
  #stopping = false;

  constructor(context: RuntimeContext, store: StatementStore, directory: string) {
    this.#context = context;
    this.#store = store;
    this.#directory = directory;
  }

  /** The namespace's database, opened the first time it is asked for. */
  warehouse(namespace: string): Promise<Warehouse> {
    const known = this.#warehouses.get(namespace);
    if (known) return known;
    const opening = this.#open(namespace);
    this.#warehouses.set(namespace, opening);
    return opening;
  }

  /** Opens a database, and finishes what a kill of the process kept from being written down after its commit. */
  async #open(namespace: string): Promise<Warehouse> {
    const folder = join(this.#directory, namespace);
    mkdirSync(folder, { recursive: true });
    const warehouse = await Warehouse.open(join(folder, 'warehouse.duckdb'));
    const open = new Set(this.#store.unfinished().map(({ id }) => id));
    for (const receipt of await warehouse.receipts()) {
      // Written by `#run`, so its shape is known.
      const { record, results }: { record: StatementRecord; results: Results } = JSON.parse(receipt);
      if (open.has(record.id)) this.#end(record, results);
    }
    await warehouse.forgetReceipts();
    return warehouse;
  }

  submit(record: StatementRecord): void {
    const abort = new AbortController();
    const done = this.#run(record, abort.signal).finally(() => this.#running.delete(record.id));
    this.#running.set(record.id, { record, abort, done });
  }

  /** Waits until a statement is over, `ms` of the runtime's clock at most. */
  async wait(id: string, ms: number): Promise<void> {
    const running = this.#running.get(id);
    if (!running || ms <= 0) return;
    let cancel = () => {};
    const timeout = new Promise<void>((resolve) => {
      cancel = this.#context.clock.after(ms, resolve);
    });
    await Promise.race([running.done, timeout]);
    cancel();
  }

  /** Cancels a statement. Returns whether it was running. */
  async cancel(id: string): Promise<boolean> {
    const running = this.#running.get(id);
    if (!running) return false;
    running.abort.abort();
    await running.done;
    return true;
  }

  /**
   * Ends what a kill of the process left open: a transaction that was committed is finished, every other is failed.
   */
  async recover(): Promise<void> {
    const namespaces = new Set(this.#store.unfinished().map((record) => record.namespace));
    for (const namespace of namespaces) await this.warehouse(namespace);
    for (const record of this.#store.unfinished()) {
      this.#fail(record, INTERRUPTED, 'FAILED');
      this.#end(record, {});
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const running = [...this.#running.values()];
    for (const { abort } of running) abort.abort();
    await Promise.all(running.map(({ done }) => done));
    for (const opening of this.#warehouses.values()) (await opening).close();
    this.#warehouses.clear();
  }

  async #run(record: StatementRecord, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const results: Results = {};
    let startedAt = process.hrtime.bigint();
    const set = (index: number, status: Status, outcome?: StatementOutcome) => {
      const statement = record.statements[index];
      if (!statement) return;
      statement.status = status;
      statement.updatedAt = clock.now();
      if (!outcome) return;
      statement.duration = Number(process.hrtime.bigint() - startedAt);
      statement.rows = outcome.rows;
      if (outcome.result) {
        results[index] = outcome.result;
        statement.size = JSON.stringify(outcome.result.rows).length;
      }
    };
    const finished = () => {
      record.status = 'FINISHED';
      record.updatedAt = clock.now();
    };
    try {
      const warehouse = await this.warehouse(record.namespace);
      const namespace = await namespaceOf(this.#context, record.namespace, record.database);
      record.status = 'STARTED';
      record.updatedAt = clock.now();
      this.#store.update(record);
      const sqls = record.statements.map(({ sql }) => withParameters(sql, record.parameters));
      await warehouse.transaction(sqls, {
        objects: (role) => objectReader(this.#context, namespace, role),
        signal,
        onStart: (index) => {
          startedAt = process.hrtime.bigint();
          set(index, 'STARTED');
        },
        onFinish: (index, outcome) => set(index, 'FINISHED', outcome),
        receipt: () => {
          finished();
          return JSON.stringify({ record, results });
        },
      });
      finished();
      this.#end(record, results);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (this.#stopping) this.#fail(record, INTERRUPTED, 'FAILED');
      else this.#fail(record, message, signal.aborted ? 'ABORTED' : 'FAILED');
      this.#end(record, {});
      if (!(error instanceof SqlError))
        this.#context.warn(`redshift-data: statement ${record.id}: ${message}`);
    }
  }

  /** Marks the statement that failed and those after it; what came before was undone with them. */
  #fail(record: StatementRecord, message: string, status: Status): void {
    record.updatedAt = this.#context.clock.now();
    record.status = status;
    const failed = Math.max(
      0,
      record.statements.findIndex((statement) => statement.status !== 'FINISHED'),
    );
    record.error = record.batch ? `Query #${failed + 1} failed with ${message}` : message;
    for (const [index, statement] of record.statements.entries()) {
      statement.size = -1;
      if (index < failed) continue;
      statement.status = index === failed ? status : 'ABORTED';
      statement.updatedAt = record.updatedAt;
      if (index === failed) statement.error = message;
      else statement.error = 'Connection or an prior query failed.';
    }
  }

  #end(record: StatementRecord, results: Results): void {
    this.#store.finish(record, results);
    if (!record.withEvent || !isOver(record)) return;
    // Source: Redshift management guide, "Monitoring events for the Amazon Redshift Data API in Amazon EventBridge".
    this.#context.emit({
      source: 'aws.redshift-data',
      'detail-type': 'Redshift Data Statement Status Change',
      resources: [record.workgroupArn],
      detail: {
        principal: record.owner,
        statementName: record.name ?? '',
        statementId: record.id,
        redshiftQueryId: 0,
        state: record.status,
        rows: record.statements.at(-1)?.rows ?? -1,
        expireAt: Math.floor(record.createdAt / 1000) + 86_400,
      },
    });
  }
}

/** Puts parameters, `:name` in SQL, in their places as literals. @throws SqlError for one without a value */
function withParameters(sql: string, parameters: readonly Parameter[]): string {
  const values = new Map(parameters.map(({ name, value }) => [name.toLowerCase(), value]));
  const tokens = tokenize(sql);
  if (!tokens.some(({ kind }) => kind === 'parameter')) return sql;
  return render(
    tokens.map((token) => {
      if (token.kind !== 'parameter') return token;
      const value = values.get(token.text.slice(1).toLowerCase());
      if (value === undefined) throw new SqlError(`syntax error at or near "${token.text}"`);
      return { kind: 'string', text: literal(value) };
    }),
  );
}
