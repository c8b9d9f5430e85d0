import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { assumeRole } from '../../iam/assume-role.ts';
import { AwsError, type RuntimeContext } from '../service.ts';
import { isOpen, type JobRun, type JobRunState, type RunStore } from './run-store.ts';
import { type Assets, runSqlJob } from './sql-job.ts';

/** A job as the template has it. */
export interface Job {
  readonly name: string;
  readonly description: string;
  readonly roleArn: string;
  readonly command: {
    readonly Name: string;
    readonly ScriptLocation: string;
    readonly PythonVersion?: string | undefined;
  };
  readonly defaultArguments: Readonly<Record<string, string>>;
  readonly glueVersion: string;
  readonly workerType: string;
  readonly workers: number;
  readonly executionClass: string;
  /** Minutes. */
  readonly timeout: number;
  readonly maxRetries: number;
  readonly maxConcurrentRuns: number;
  readonly createdOn: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** What a run is asked for with, beside the job's defaults. */
export interface RunRequest {
  readonly arguments: Readonly<Record<string, string>>;
  readonly timeout?: number | undefined;
  readonly workerType?: string | undefined;
  readonly workers?: number | undefined;
  readonly executionClass?: string | undefined;
}

const LOG_GROUP_PREFIX = '/aws-glue/jobs';

/** What each end is called in the event that tells of it. Source: EventBridge guide, "AWS Glue events". */
const SEVERITIES: Readonly<Partial<Record<JobRunState, 'INFO' | 'ERROR' | 'WARN'>>> = {
  SUCCEEDED: 'INFO',
  STOPPED: 'INFO',
  FAILED: 'ERROR',
  TIMEOUT: 'WARN',
};

class TimedOut extends Error {}
class Stopped extends Error {}
class Shutdown extends Error {}

/** Runs of jobs: those that are under way in memory, all of them on disk. */
export class Jobs {
  readonly #context: RuntimeContext;
  readonly #store: RunStore;
  readonly #assets: Assets | undefined;
  readonly #jobs = new Map<string, Job>();
  readonly #running = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();

  constructor(context: RuntimeContext, store: RunStore, assets: Assets | undefined) {
    this.#context = context;
    this.#store = store;
    this.#assets = assets;
  }

  define(job: Job): void {
    this.#jobs.set(job.name, job);
  }

  /** @throws AwsError EntityNotFoundException */
  job(name: string): Job {
    const job = this.#jobs.get(name);
    if (job) return job;
    throw new AwsError('EntityNotFoundException', `Failed to start job run due to missing metadata: ${name}`);
  }

  /** Names of the jobs that have all of the tags. */
  named(tags: Readonly<Record<string, string>>): string[] {
    const has = (job: Job) => Object.entries(tags).every(([key, value]) => job.tags[key] === value);
    return [...this.#jobs.values()].filter(has).map(({ name }) => name);
  }

  /** @throws AwsError EntityNotFoundException */
  run(jobName: string, id: string): JobRun {
    const run = this.#store.get(jobName, id);
    if (run) return run;
    throw new AwsError('EntityNotFoundException', `Job Run not found. Job: ${jobName}, run: ${id}`);
  }

  runs(jobName: string): JobRun[] {
    return this.#store.of(this.job(jobName).name);
  }

  /** @throws AwsError ConcurrentRunsExceededException */
  start(jobName: string, request: RunRequest): JobRun {
    const job = this.job(jobName);
    if (this.#store.of(jobName).filter(isOpen).length >= job.maxConcurrentRuns)
      throw new AwsError(
        'ConcurrentRunsExceededException',
        `Concurrent runs exceeded for ${jobName}: at most ${job.maxConcurrentRuns}.`,
      );
    const now = this.#context.clock.now();
    const given = { ...job.defaultArguments, ...request.arguments };
    const run: JobRun = {
      id: `jr_${randomBytes(32).toString('hex')}`,
      job: jobName,
      arguments: given,
      state: 'STARTING',
      startedOn: now,
      modifiedOn: now,
      workerType: request.workerType ?? job.workerType,
      workers: request.workers ?? job.workers,
      executionClass: request.executionClass ?? job.executionClass,
      timeout: request.timeout ?? job.timeout,
      glueVersion: job.glueVersion,
      role: job.roleArn,
      logGroup: given['--custom-logGroup-prefix'] ?? LOG_GROUP_PREFIX,
    };
    this.#store.put(run);
    this.#begin(run, job);
    return run;
  }

  /** @throws AwsError EntityNotFoundException for a run that there is not, InvalidInputException for one that has ended */
  stop(jobName: string, id: string): void {
    const run = this.run(jobName, id);
    if (!isOpen(run))
      throw new AwsError(
        'InvalidInputException',
        `The run ${id} is in state ${run.state} and cannot be stopped.`,
      );
    this.#change(run, 'STOPPING');
    this.#running.get(id)?.abort.abort(new Stopped());
  }

  /** Resolves when the run has ended, or the runtime stops. */
  async ended(id: string): Promise<void> {
    await this.#running.get(id)?.done;
  }

  /** Takes up what an earlier process left: a run begins anew, as its arguments say. */
  resume(): void {
    this.#store.forgetOld(this.#context.clock.now());
    rmSync(this.#directory, { recursive: true, force: true });
    for (const run of this.#store.open()) {
      const job = this.#jobs.get(run.job);
      if (run.state === 'STOPPING') this.#end(run, 'STOPPED');
      else if (job) this.#begin(run, job);
      else this.#end(run, 'FAILED', `The job ${run.job} is not there any more.`);
    }
  }

  async stopAll(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { abort } of running) abort.abort(new Shutdown());
    await Promise.all(running.map(({ done }) => done));
  }

  get #directory(): string {
    return join(this.#context.dataDir, 'glue', 'work');
  }

  #begin(run: JobRun, job: Job): void {
    const abort = new AbortController();
    const left = run.startedOn + run.timeout * 60_000 - this.#context.clock.now();
    const cancel = this.#context.clock.after(left, () => abort.abort(new TimedOut()));
    const done = this.#perform(run, job, abort.signal).finally(() => {
      cancel();
      this.#running.delete(run.id);
    });
    this.#running.set(run.id, { abort, done });
  }

  /** Never rejects. */
  async #perform(starting: JobRun, job: Job, signal: AbortSignal): Promise<void> {
    const { id } = starting;
    // The answer to the start comes first.
    await Promise.resolve();
    const run = this.#change(starting, 'RUNNING');
    try {
      const caller = assumeRole(this.#context, {
        service: 'glue.amazonaws.com',
        roleArn: job.roleArn,
        sessionName: 'GlueJobRunnerSession',
      });
      const rows = await runSqlJob(run, {
        context: this.#context,
        assets: this.#assets,
        caller,
        script: job.command.ScriptLocation,
        directory: join(this.#directory, id),
        signal,
      });
      this.#log(run, 'output', `${rows} rows written to ${run.arguments['--output']}`);
      this.#end(run, 'SUCCEEDED');
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const { reason } = signal;
      if (reason instanceof Shutdown) return;
      if (reason instanceof Stopped) return this.#end(run, 'STOPPED');
      if (reason instanceof TimedOut) return this.#end(run, 'TIMEOUT', 'Job run timed out');
      this.#log(run, 'error', message);
      this.#end(run, 'FAILED', message);
    }
  }

  #change(run: JobRun, state: JobRunState): JobRun {
    const changed = { ...run, state, modifiedOn: this.#context.clock.now() };
    this.#store.put(changed);
    return changed;
  }

  #end(run: JobRun, state: JobRunState, errorMessage?: string): void {
    const now = this.#context.clock.now();
    this.#store.put({
      ...run,
      state,
      modifiedOn: now,
      completedOn: now,
      ...(errorMessage !== undefined && { errorMessage }),
    });
    this.#context.emit({
      source: 'aws.glue',
      'detail-type': 'Glue Job State Change',
      detail: {
        jobName: run.job,
        severity: SEVERITIES[state] ?? 'INFO',
        state,
        jobRunId: run.id,
        message: errorMessage ?? `Job run ${state.toLowerCase()}`,
      },
    });
  }

  /** Writes as the role may: a job without the permission runs, and leaves no log. */
  #log(run: JobRun, kind: 'output' | 'error', line: string): void {
    const { account, region } = this.#context;
    const group = `${run.logGroup}/${kind}`;
    const caller = { kind: 'role', roleArn: run.role, sessionName: 'GlueJobRunnerSession' } as const;
    const resource = `arn:aws:logs:${region}:${account}:log-group:${group}:log-stream:${run.id}`;
    try {
      for (const action of ['logs:CreateLogStream', 'logs:PutLogEvents'])
        this.#context.authorize({ caller, action, resource });
      this.#context.log(group, run.id, line);
    } catch (error) {
      this.#context.warn(error instanceof Error ? error.message : String(error));
    }
  }
}
