import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  GetQueueAttributesCommand,
  ListQueuesCommand,
  type QueueAttributeName,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { FileState } from '../local/cli/deployment.ts';
import { fileIdOf } from '../local/cli/files.ts';
import { isDone } from '../local/cli/report.ts';
import type { CountsByPart } from './call-counter.ts';

/** A status change of an execution. */
export interface StatusChange {
  readonly kind: 'status';
  readonly name: string;
  readonly status: string;
  readonly stateMachineArn: string;
}

export type FromServer =
  | StatusChange
  | {
      readonly kind: 'ready';
      readonly endpoint: string;
      readonly outputs: readonly (readonly [string, string])[];
    }
  | { readonly kind: 'counts'; readonly counts: CountsByPart | undefined }
  | { readonly kind: 'states'; readonly states: readonly (readonly [string, FileState])[] }
  | { readonly kind: 'executions'; readonly executions: readonly (readonly [string, number])[] };

export type ToServer =
  | { readonly kind: 'stop' | 'counts' | 'executions' }
  | { readonly kind: 'states'; readonly fileIds: readonly string[] };

const ENDED = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'];
const SOCKETS = 32;
const QUEUE_COUNTS: QueueAttributeName[] = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
];
/** Nothing under measurement takes as long; a lost file must not hang the benchmark. */
const PATIENCE_MS = 300_000;

/** The pipeline in a process of its own, in an empty directory that goes with it. */
export class PipelineProcess {
  readonly #child: ChildProcess;
  readonly #dataDir: string;
  readonly #news = new EventEmitter().setMaxListeners(0);
  #endpoint = '';
  #outputs: ReadonlyMap<string, string> = new Map();
  #s3: S3Client | undefined;

  private constructor(counting: boolean) {
    this.#dataDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
    this.#child = fork(
      join(import.meta.dirname, 'server.ts'),
      [this.#dataDir, ...(counting ? ['counting'] : [])],
      {
        execArgv: ['--disable-warning=ExperimentalWarning'],
      },
    );
    this.#child.on('message', (message: FromServer) => this.#news.emit(message.kind, message));
    this.#child.once('exit', (code) => this.#news.emit('gone', code));
  }

  /** @param options.counting whether calls are counted, which costs time */
  static async start({ counting = false } = {}): Promise<PipelineProcess> {
    const pipeline = new PipelineProcess(counting);
    const { endpoint, outputs } = await pipeline.#next('ready');
    pipeline.#endpoint = endpoint;
    pipeline.#outputs = new Map(outputs);
    const httpAgent = new Agent({ keepAlive: true, maxSockets: SOCKETS });
    pipeline.#s3 = new S3Client({
      ...pipeline.client,
      forcePathStyle: true,
      requestHandler: new NodeHttpHandler({ httpAgent, socketAcquisitionWarningTimeout: PATIENCE_MS }),
    });
    return pipeline;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Configuration of any client of the SDK, with the administrator's rights. */
  get client() {
    return {
      endpoint: this.#endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
    };
  }

  output(key: string): string {
    const value = this.#outputs.get(key);
    if (value === undefined) throw new Error(`No stack has the output ${key}.`);
    return value;
  }

  /** Puts a file into the landing bucket and answers its id. */
  async drop(key: string, body: Buffer): Promise<string> {
    const Bucket = this.output('LandingBucketName');
    const answer = await this.#s3?.send(new PutObjectCommand({ Bucket, Key: key, Body: body }));
    return fileIdOf(Bucket, key, answer?.VersionId ?? 'null');
  }

  /** Calls `listener` with the name of each execution of document-ingestion that ends well, and its status otherwise. */
  onEnd(listener: (fileId: string, status: string) => void): () => void {
    const machine = this.output('DocumentIngestionStateMachineArn');
    const heard = ({ stateMachineArn, status, name }: StatusChange) => {
      if (stateMachineArn === machine && ENDED.includes(status)) listener(name.slice(0, 64), status);
    };
    this.#news.on('status', heard);
    return () => this.#news.off('status', heard);
  }

  /** Waits until the audit table has the outcome of every file and, if asked, its load. */
  async settled(
    fileIds: readonly string[],
    { loaded }: { loaded: boolean },
  ): Promise<Map<string, FileState>> {
    const done = new Map<string, FileState>();
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const open = fileIds.filter((id) => !done.has(id));
      for (const [id, state] of await this.states(open)) {
        if (loaded ? isDone(state) : isOutcome(state)) done.set(id, state);
      }
      if (done.size === fileIds.length) return done;
      if (Date.now() > deadline) throw new Error(`${fileIds.length - done.size} files have no outcome.`);
      await new Promise((resolve) => setTimeout(resolve, fileIds.length > 1 ? 100 : 2));
    }
  }

  async states(fileIds: readonly string[]): Promise<readonly (readonly [string, FileState])[]> {
    return (await this.#ask({ kind: 'states', fileIds }, 'states')).states;
  }

  /** Executions of document-ingestion by file id. */
  async executionsByFile(): Promise<Map<string, number>> {
    return new Map((await this.#ask({ kind: 'executions' }, 'executions')).executions);
  }

  /** What was counted since the last time. */
  async counts(): Promise<CountsByPart> {
    const { counts } = await this.#ask({ kind: 'counts' }, 'counts');
    if (!counts) throw new Error('This process does not count.');
    return counts;
  }

  /** Waits until no queue holds a message and no execution runs. */
  async quiet(): Promise<void> {
    const sqs = new SQSClient(this.client);
    const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
    const AttributeNames = QUEUE_COUNTS;
    for (let calm = 0; calm < 3; ) {
      const queues = await Promise.all(
        QueueUrls.map((QueueUrl) => sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }))),
      );
      const messages = queues.flatMap(({ Attributes = {} }) => Object.values(Attributes)).map(Number);
      calm = messages.every((count) => count === 0) ? calm + 1 : 0;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    sqs.destroy();
  }

  async stop(): Promise<void> {
    this.#s3?.destroy();
    if (this.#child.exitCode === null) {
      const gone = once(this.#child, 'exit');
      this.#child.send({ kind: 'stop' } satisfies ToServer);
      await gone;
    }
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  #ask<Kind extends FromServer['kind']>(question: ToServer, kind: Kind) {
    const answer = this.#next(kind);
    this.#child.send(question);
    return answer;
  }

  #next<Kind extends FromServer['kind']>(kind: Kind): Promise<Extract<FromServer, { kind: Kind }>> {
    return new Promise((resolve, reject) => {
      const gone = (code: number) => reject(new Error(`The pipeline's process ended with ${code}.`));
      this.#news.once('gone', gone);
      this.#news.once(kind, (message) => {
        this.#news.off('gone', gone);
        resolve(message);
      });
    });
  }
}

const isOutcome = ({ status }: FileState) => !['RECEIVED', 'PROCESSING_INITIATED'].includes(status);
