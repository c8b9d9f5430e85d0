import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { TICKETS } from '../help-desk/contract.ts';
import { CANARY } from '../shared/contract.ts';
import { InvalidEvent } from '../shared/errors.ts';
import { createdEvent, type LandedVersion, sendAll } from '../shared/messages.ts';
import type { Trigger } from '../shared/triggers.ts';
import type { ManifestEntry } from '../warehouse-load/contract.ts';
import type { AuditItem } from './audit-items.ts';
import type { Batch } from './batch.ts';
import type { Mismatch } from './contract.ts';
import {
  type Execution,
  eventIdEnd,
  executionArnOf,
  executionOf,
  FAILURES,
  latestOf,
  statusChange,
} from './executions.ts';
import type { Answer, CountName } from './ledger.ts';
import { datasetOf, entryOf, type LoadingDependencies, load } from './loading.ts';
import { claim } from './repairs.ts';

export interface CheckDependencies extends LoadingDependencies {
  readonly s3: Pick<S3Client, 'send'>;
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly sfn: Pick<SFNClient, 'send'>;
  readonly sqs: Pick<SQSClient, 'send'>;
  readonly auditTable: string;
  readonly ticketsTable: string;
  readonly arrivalsQueueUrl: string;
  readonly changesQueueUrl: string;
  readonly incidentsQueueUrl: string;
}

/** A file under the reconciliation's eyes. */
interface File {
  readonly version: LandedVersion;
  readonly item: AuditItem;
  readonly trigger: Trigger;
}

/** Compares one file after another with what is known of it, and gathers the repairs. */
export class FileCheck {
  readonly #batch: Batch;
  readonly #dependencies: CheckDependencies;
  readonly #arrivals: string[] = [];
  readonly #changes: string[] = [];
  readonly #incidents: string[] = [];
  readonly #records: ManifestEntry[] = [];

  constructor(batch: Batch, dependencies: CheckDependencies) {
    this.#batch = batch;
    this.#dependencies = dependencies;
  }

  /** Counts a file, and finds out what is wrong with it. */
  async look(
    version: LandedVersion,
    item: AuditItem | undefined,
    trigger: Trigger,
    watchedSince: string,
  ): Promise<void> {
    if (!item?.Status && version.landedAt < watchedSince)
      return this.#count(version, trigger, ['before_watch']);
    const known = item ?? { pk: version.fileId };
    const status = known.Status ?? 'UNKNOWN';
    const check = CHECKS[status];
    if (!check) throw new InvalidEvent(`File ${version.fileId} has the status ${status}, which is none.`);
    const counts = await check(this, { version, item: known, trigger });
    this.#count(version, trigger, ['received', ...counts]);
  }

  /** Sends the messages that were gathered. */
  async send(): Promise<void> {
    const { sqs, arrivalsQueueUrl, changesQueueUrl, incidentsQueueUrl } = this.#dependencies;
    await sendAll(sqs, arrivalsQueueUrl, this.#arrivals.splice(0));
    await sendAll(sqs, changesQueueUrl, this.#changes.splice(0));
    await sendAll(sqs, incidentsQueueUrl, this.#incidents.splice(0));
  }

  /** Loads the records that were gathered. */
  async load(): Promise<void> {
    const { run, step, number } = this.#batch;
    await load(this.#records.splice(0), `${run}/${step}/${number}`, this.#dependencies);
  }

  #count({ landedAt }: LandedVersion, { pipeline }: Trigger, names: CountName[]): void {
    this.#batch.ledger.count(pipeline, landedAt.slice(0, 10), ...names);
  }

  /** Whether something that began at a time may still be on its way. */
  isRecent(time: string | undefined, seconds = this.#batch.graceSeconds): boolean {
    return time !== undefined && this.#batch.now - Date.parse(time) < seconds * 1000;
  }

  get loadGraceSeconds(): number {
    return this.#batch.loadGraceSeconds;
  }

  /** Notes a mismatch, and does the repair unless another run is at it. */
  async #repair({ version, trigger }: File, mismatch: Mismatch, repair?: () => void): Promise<void> {
    const answer: Answer = repair
      ? await claim(version.fileId, mismatch, version.key, { ...this.#dependencies, ...this.#batch })
      : 'helpless';
    this.#batch.ledger.found(mismatch, answer, version.fileId);
    if (answer === 'again' || answer === 'helpless') this.#count(version, trigger, ['in_vain']);
    if (answer === 'repaired' || answer === 'again') repair?.();
  }

  /** The object's event was lost, or whoever took it was. */
  async rearrive(file: File): Promise<void> {
    await this.#repair(file, 'lost-event', () => this.#arrivals.push(createdEvent(file.version)));
  }

  /** An execution of the file, by its ARN. */
  execution(executionArn: string): Promise<Execution | undefined> {
    return executionOf(this.#dependencies.sfn, executionArn);
  }

  /** The latest execution of the file, reruns included. */
  latest({ item }: File): Promise<Execution | undefined> {
    return item.ExecutionArn
      ? latestOf(this.#dependencies.sfn, item.ExecutionArn)
      : Promise.resolve(undefined);
  }

  /** Tells the recorder what an execution has become. */
  async recordAgain(file: File, execution: Execution): Promise<void> {
    await this.#repair(file, 'lost-change', () => this.#changes.push(statusChange(execution)));
  }

  async missExecution(file: File): Promise<void> {
    await this.#repair(file, 'execution-gone');
  }

  /** Tells the help desk of a failure that no open ticket waits for. */
  async tellAgain(file: File, execution: Execution): Promise<void> {
    const { dynamo, ticketsTable } = this.#dependencies;
    const { name, partitionKey } = TICKETS.byMember;
    const { Count = 0 } = await dynamo.send(
      new QueryCommand({
        TableName: ticketsTable,
        IndexName: name,
        KeyConditionExpression: '#member = :id',
        ExpressionAttributeNames: { '#member': partitionKey },
        ExpressionAttributeValues: { ':id': { S: file.version.fileId } },
        Limit: 1,
      }),
    );
    if (Count > 0) return;
    await this.#repair(file, 'untold', () => this.#incidents.push(statusChange(execution)));
  }

  /** Loads a record that is in no load. Answers whether there is one to load. */
  async reload(file: File): Promise<boolean> {
    const record = file.item.Result?.record;
    // What the canary's files became is taken in by nothing.
    if (!record || datasetOf(record.key) === undefined) return false;
    const entry = await entryOf(this.#dependencies.s3, record);
    if (entry) await this.#repair(file, 'not-loaded', () => this.#records.push(entry));
    else await this.#repair(file, 'record-gone');
    return true;
  }
}

type Check = (check: FileCheck, file: File) => Promise<CountName[]>;

/** Status in the audit table → what has to be true of the file, and how it counts. */
const CHECKS: Readonly<Record<string, Check>> = {
  UNKNOWN: async (check, file) => {
    if (check.isRecent(file.version.landedAt)) return ['in_flight'];
    await check.rearrive(file);
    return ['unaccounted'];
  },
  RECEIVED: async (check, file) => {
    if (check.isRecent(file.item.Timestamp)) return ['in_flight'];
    const { version, trigger } = file;
    const execution = await check.execution(executionArnOf(trigger.stateMachineArn, version.fileId));
    if (execution) return (await isKnown(check, file, execution)) ? ['in_flight'] : ['unaccounted'];
    await check.rearrive(file);
    return ['unaccounted'];
  },
  PROCESSING_INITIATED: async (check, file) => {
    const { ExecutionArn, Timestamp } = file.item;
    if (check.isRecent(Timestamp)) return ['in_flight'];
    const execution = ExecutionArn && (await check.execution(ExecutionArn));
    if (execution) return (await isKnown(check, file, execution)) ? ['in_flight'] : ['unaccounted'];
    await check.missExecution(file);
    return ['unaccounted'];
  },
  SUCCEEDED: async (check, file) => {
    const { LoadStatus, Timestamp } = file.item;
    if (LoadStatus || check.isRecent(Timestamp, check.loadGraceSeconds)) return ['succeeded'];
    return (await check.reload(file)) ? ['succeeded', 'not_loaded'] : ['succeeded'];
  },
  REJECTED: async () => ['rejected'],
  HELD: async (check, file) => {
    await knownLatest(check, file);
    return ['held'];
  },
  FAILED: async (check, file) => {
    const execution = await knownLatest(check, file);
    // A canary that failed as it should is over when the canary says so.
    const isOurs =
      execution && FAILURES.includes(execution.status) && file.trigger.pipeline !== CANARY.pipeline;
    if (isOurs) await check.tellAgain(file, execution);
    return ['failed'];
  },
};

/** The latest execution of a file that a person may have run again, if the audit table has all of it. */
async function knownLatest(check: FileCheck, file: File): Promise<Execution | undefined> {
  if (check.isRecent(file.item.Timestamp)) return undefined;
  const execution = await check.latest(file);
  return execution && (await isKnown(check, file, execution)) ? execution : undefined;
}

/** Whether the audit table says what the execution has become, or may still be told. Tells it otherwise. */
async function isKnown(check: FileCheck, file: File, execution: Execution): Promise<boolean> {
  if (file.item.EventId?.endsWith(eventIdEnd(execution))) return true;
  const changedAt = execution.stopDate ?? execution.redriveDate ?? execution.startDate;
  if (check.isRecent(changedAt?.toISOString())) return true;
  await check.recordAgain(file, execution);
  return false;
}
