import { createHash, randomUUID } from 'node:crypto';
import type { ChildOutcome, MapRun, MapRunOptions } from '../../asl/host.ts';
import { isTooLarge } from '../../asl/json.ts';
import { startOf } from '../../asl/walk.ts';
import { AwsError, type RuntimeContext } from '../service.ts';
import { announce, measure } from './announce.ts';
import { type ArnMaker, arnMaker, checkName } from './arns.ts';
import { historyLog } from './logging.ts';
import type { Machines } from './machines.ts';
import { MapRuns } from './map-runs.ts';
import { redrivability, refreshed } from './redrive.ts';
import {
  type Checkpoint,
  type ChildHandle,
  type ChildStart,
  type JobRuns,
  Running,
  type Surroundings,
} from './running.ts';
import type { ExecutionRow, Revision, Store } from './store.ts';
import { Tokens } from './tokens.ts';

/** What an execution is started with. */
export interface StartOptions {
  readonly name?: string | undefined;
  readonly input: string;
  readonly startedBy?: string;
  readonly mapRunArn?: string;
}

/** Executions: those that run, in memory; all others only on disk. */
export class Executions implements Surroundings {
  readonly runtime: RuntimeContext;
  readonly tokens: Tokens;
  readonly mapRuns: MapRuns;
  readonly arns: ArnMaker;
  readonly jobRuns: JobRuns;
  readonly #store: Store;
  readonly #machines: Machines;
  readonly #running = new Map<string, Running>();
  readonly #dirty = new Set<Running>();
  #stopped = false;

  /** @param jobRunEnded waits for a run of a Glue job */
  constructor(
    runtime: RuntimeContext,
    store: Store,
    machines: Machines,
    jobRunEnded: (runId: string) => Promise<void> = async () => {},
  ) {
    this.runtime = runtime;
    const isLeft = () => this.#stopped;
    this.jobRuns = {
      ended: jobRunEnded,
      get left() {
        return isLeft();
      },
    };
    this.tokens = new Tokens(store);
    this.mapRuns = new MapRuns(store);
    this.arns = arnMaker(runtime.region, runtime.account);
    this.#store = store;
    this.#machines = machines;
  }

  find(arn: string): ExecutionRow | undefined {
    // An execution stays in memory until its last write is committed.
    return (
      this.#running.get(arn)?.row ??
      this.#store.peek<ExecutionRow>('SELECT body FROM executions WHERE arn = ?', arn)
    );
  }

  /** @throws AwsError `ExecutionDoesNotExist` */
  get(arn: string): ExecutionRow {
    const row = this.find(arn);
    if (row) return row;
    throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  }

  running(arn: string): Running | undefined {
    const running = this.#running.get(arn);
    return running?.row.status === 'RUNNING' ? running : undefined;
  }

  /**
   * Starts an execution; the same name and input as one that runs gives that one.
   * @throws AwsError `ExecutionAlreadyExists`, `InvalidName`, `InvalidExecutionInput`
   */
  start(revision: Revision, options: StartOptions): ExecutionRow {
    const input = checkInput(options.input);
    const name = checkName(options.name ?? randomUUID());
    const express = revision.type === 'EXPRESS';
    const arn = express
      ? this.arns.express(revision.name, name, randomUUID())
      : this.arns.execution(revision.name, name);
    // A name that was made up here is new; only a given one can be taken.
    const former = express || options.name === undefined ? undefined : this.find(arn);
    if (former) return this.#again(former, input, options);
    const row: ExecutionRow = {
      seq: this.#store.nextSeq(),
      arn,
      name,
      machineArn: revision.machineArn,
      revision: revision.id,
      input,
      startDate: this.runtime.clock.now(),
      status: 'RUNNING',
      redriveCount: 0,
      ...(options.startedBy !== undefined && { startedBy: options.startedBy }),
      ...(options.mapRunArn !== undefined && { mapRunArn: options.mapRunArn }),
    };
    const flow = this.#machines.definition(revision);
    const running = this.#open(row, revision, { position: startOf(flow, input), nextId: 1 });
    if (running.stored) this.#store.later(() => this.#store.saveExecution(row));
    running.begin('ExecutionStarted');
    this.#begun(running);
    return row;
  }

  #again(former: ExecutionRow, input: string, options: StartOptions): ExecutionRow {
    const own = options.startedBy !== undefined && former.startedBy === options.startedBy;
    if (own || (former.status === 'RUNNING' && former.input === input)) return former;
    throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${former.arn}'`);
  }

  /** Runs failed executions on from where they failed, with the definition they were started with. */
  redrive(arn: string): number {
    const row = this.get(arn);
    const now = this.runtime.clock.now();
    const { redriveStatus, redriveStatusReason } = redrivability(row, now);
    if (redriveStatus !== 'REDRIVABLE')
      throw new AwsError(
        'ExecutionNotRedrivable',
        redriveStatusReason ?? 'Execution is redriven with its Map Run',
      );
    const [checkpoint] = this.#store.bodies<Checkpoint>(
      'SELECT body FROM checkpoints WHERE execution = ?',
      row.seq,
    );
    if (!checkpoint)
      throw new AwsError('ExecutionNotRedrivable', 'Execution has no failed step to redrive from');
    const redriven: ExecutionRow = {
      ...row,
      status: 'RUNNING',
      stopDate: undefined,
      error: undefined,
      cause: undefined,
      redriveCount: row.redriveCount + 1,
      redriveDate: now,
    };
    const running = this.#open(redriven, this.#machines.revision(row.revision), {
      nextId: checkpoint.nextId,
      position: refreshed(checkpoint.position),
    });
    this.#store.later(() => this.#store.saveExecution(redriven));
    running.begin('ExecutionRedriven');
    this.#begun(running);
    return now;
  }

  /** Resumes what ran when the runtime ended. */
  resume(): void {
    const rows = this.#store.bodies<ExecutionRow>(
      `SELECT body FROM executions WHERE status = 'RUNNING' ORDER BY seq`,
    );
    const now = this.runtime.clock.now();
    this.#announceLeftovers();
    this.mapRuns.abandon(now);
    for (const row of rows) {
      if (row.mapRunArn) {
        // The Map state of the parent runs again and starts its own children.
        const ended: ExecutionRow = { ...row, status: 'ABORTED', stopDate: now };
        this.#store.later(() => this.#store.saveExecution(ended));
        continue;
      }
      const revision = this.#machines.revision(row.revision);
      const [checkpoint] = this.#store.bodies<Checkpoint>(
        'SELECT body FROM checkpoints WHERE execution = ?',
        row.seq,
      );
      this.#run(
        this.#open(
          row,
          revision,
          checkpoint ?? { position: startOf(this.#machines.definition(revision), row.input), nextId: 1 },
        ),
      );
    }
  }

  /** Leaves running executions to the next start. */
  stopAll(): void {
    this.#stopped = true;
    for (const running of this.#running.values()) running.shutDown();
  }

  changed(execution: Running): void {
    if (!execution.stored || this.#dirty.has(execution)) return;
    this.#dirty.add(execution);
    this.#store.later(() => {
      this.#dirty.delete(execution);
      this.#write(execution);
    });
  }

  ended(execution: Running): void {
    const { row, revision } = execution;
    if (row.stopDate !== undefined && !this.#stopped) measure(this.runtime, row);
    if (!execution.stored) {
      this.#running.delete(row.arn);
      return;
    }
    void this.#store.committed().then(() => {
      if (this.#running.get(row.arn) === execution) this.#running.delete(row.arn);
    });
    this.#announce(row, revision);
  }

  startMapRun(parent: Running, options: MapRunOptions): MapRun {
    const { row, revision } = parent;
    const now = () => this.runtime.clock.now();
    const machineArn = `${row.machineArn}/${options.label}`;
    const mapRun = this.mapRuns.begin(options, {
      executionArn: row.arn,
      machineArn,
      arn: (id) => this.arns.mapRun(revision.name, options.label, id),
      now: now(),
    });
    const { ProcessorConfig: _config, ...processor } = { ProcessorConfig: null, ...options.processor };
    const child = this.#machines.addRevision({
      ...revision,
      id: `${revision.id}/${options.label}`,
      machineArn,
      name: `${revision.name}/${options.label}`,
      type: options.executionType,
      definition: JSON.stringify({ QueryLanguage: 'JSONata', ...processor }),
    });
    return {
      arn: mapRun.arn,
      redriveCount: mapRun.redriveCount,
      limits: mapRun.limits,
      itemCounts: mapRun.itemCounts,
      executionCounts: mapRun.executionCounts,
      child: (input, signal) => this.#runChild(child, input, mapRun.arn, signal),
      finish: (status) => this.mapRuns.end(mapRun, status, now()),
    };
  }

  async startChild(start: ChildStart): Promise<ChildHandle> {
    this.runtime.authorize({
      caller: start.caller,
      action: 'states:StartExecution',
      resource: start.machineArn,
    });
    const machine = this.#machines.get(start.machineArn);
    const digest = createHash('sha256').update(start.visit).digest('hex');
    const name = start.name ?? digest.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    const row = this.start(this.#machines.revision(machine.revision), {
      name,
      input: start.input,
      startedBy: start.visit,
    });
    await this.#store.committed();
    return {
      arn: row.arn,
      startDate: row.startDate,
      ended: async () => {
        const running = this.#running.get(row.arn);
        await running?.done;
        return running?.row ?? this.get(row.arn);
      },
      stop: (reason) => this.#stop(row.arn, reason),
    };
  }

  async #runChild(
    revision: Revision,
    input: string,
    mapRunArn: string,
    signal: AbortSignal,
  ): Promise<ChildOutcome> {
    const { arn } = this.start(revision, { input, mapRunArn });
    const running = this.#running.get(arn);
    const stop = () => this.#stop(arn, 'The Map Run was stopped.');
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    await running?.done;
    signal.removeEventListener('abort', stop);
    const row = running?.row ?? this.get(arn);
    return {
      arn,
      name: row.name,
      status: row.status === 'RUNNING' || row.status === 'PENDING_REDRIVE' ? 'ABORTED' : row.status,
      input,
      startDate: row.startDate,
      stopDate: row.stopDate ?? row.startDate,
      ...(row.output !== undefined && { output: row.output }),
      ...(row.error !== undefined && { error: row.error }),
      ...(row.cause !== undefined && { reason: row.cause }),
    };
  }

  /** Stops a child with its parent; when the runtime ends, both are left to be resumed. */
  #stop(arn: string, reason: string): void {
    if (!this.#stopped) this.running(arn)?.stop(undefined, reason);
  }

  #open(row: ExecutionRow, revision: Revision, checkpoint: Checkpoint): Running {
    const running = new Running({
      row,
      revision,
      flow: this.#machines.definition(revision),
      checkpoint,
      surroundings: this,
      log: historyLog(this.runtime, revision, row.arn),
    });
    this.#running.set(row.arn, running);
    return running;
  }

  #begun(running: Running): void {
    this.runtime.metric({
      namespace: 'AWS/States',
      name: 'ExecutionsStarted',
      dimensions: { StateMachineArn: running.row.machineArn },
      value: 1,
      unit: 'Count',
    });
    if (running.stored) this.#announce(running.row, running.revision);
    this.#run(running);
  }

  /**
   * Tells a status once it is on disk. The promise to tell it is written with it, so that a kill in between neither
   * loses the event nor tells of an execution that never was.
   */
  #announce(row: ExecutionRow, revision: Revision): void {
    const promised = { ...row };
    const id = this.#store.promise(promised);
    void this.#store.committed().then(() => {
      if (this.#stopped) return;
      announce(this.runtime, promised, revision);
      this.#store.kept(id);
    });
  }

  #announceLeftovers(): void {
    for (const { id, row } of this.#store.promised()) {
      announce(this.runtime, row, this.#machines.revision(row.revision));
      this.#store.kept(id);
    }
  }

  #run(running: Running): void {
    void running.run(this.#machines.definition(running.revision).TimeoutSeconds);
  }

  #write(execution: Running): void {
    const { row } = execution;
    const events = execution.takeEvents();
    if (events) this.#store.run('INSERT INTO events VALUES (?, ?, ?)', row.seq, events.first, events.body);
    if (row.status === 'SUCCEEDED') this.#store.run('DELETE FROM checkpoints WHERE execution = ?', row.seq);
    else
      this.#store.run(
        'INSERT OR REPLACE INTO checkpoints VALUES (?, ?)',
        row.seq,
        execution.checkpoint(row.status !== 'RUNNING'),
      );
    if (row.status === 'RUNNING') return;
    this.#store.saveExecution(row);
    this.#store.run('DELETE FROM answers WHERE execution = ?', row.seq);
  }
}

function checkInput(input: string): string {
  if (isTooLarge(input))
    throw new AwsError(
      'InvalidExecutionInput',
      'Invalid State Machine Execution Input: the input is larger than 262144 bytes',
    );
  try {
    JSON.parse(input);
  } catch (error) {
    throw new AwsError(
      'InvalidExecutionInput',
      `Invalid State Machine Execution Input: '${error instanceof Error ? error.message : error}'`,
    );
  }
  return input;
}
