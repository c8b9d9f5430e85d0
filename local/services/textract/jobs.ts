import { createHash, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { OcrCrashed, type OcrEngine, UnreadableDocument } from '../../engines/ocr.ts';
import { assumeRole } from '../../iam/assume-role.ts';
import { AwsError, type Caller, type RuntimeContext } from '../service.ts';
import { blocksOfPage } from './blocks.ts';
import { checkDocument, fetchDocument, LIMITS } from './documents.ts';
import type { Job, JobRequest, JobStore } from './job-store.ts';

/** Asynchronous jobs open at once in an account (default quota, us-east-1). */
const MAX_OPEN_JOBS = 600;

/** Documents held in memory at once; their pages take turns in the engine. */
const MAX_RUNNING = 4;

/** How often a document is read anew after the engine crashed under it. */
const MAX_ATTEMPTS = 3;

/** What a failed job says; Textract documents the member, not its values. */
const INVALID_DOCUMENT = 'INVALID_DOCUMENT';
const INTERNAL_ERROR = 'INTERNAL_SERVER_ERROR';

/** Runs asynchronous text detection: a few documents at a time, first come, first served. */
export class Jobs {
  readonly #context: RuntimeContext;
  readonly #engine: OcrEngine;
  readonly #store: JobStore;
  readonly #waiting: string[] = [];
  readonly #running = new Set<Promise<void>>();
  #stopped = false;

  constructor(context: RuntimeContext, engine: OcrEngine, store: JobStore) {
    this.#context = context;
    this.#engine = engine;
    this.#store = store;
  }

  /** Goes on with what an earlier process left. */
  resume(): void {
    this.#store.forgetOld(this.#context.clock.now());
    this.#waiting.push(...this.#store.open().map((job) => job.id));
    this.#next();
  }

  /** @returns the id of the new job, or of the one that the same token and request began before */
  async start(request: JobRequest, token: string | undefined, caller: Caller): Promise<string> {
    const known = token === undefined ? undefined : this.#knownJob(token, request);
    if (known) return known.id;
    if (request.channel) {
      this.#context.authorize({
        caller,
        action: 'iam:PassRole',
        resource: request.channel.RoleArn,
        conditions: { 'iam:PassedToService': 'textract.amazonaws.com' },
      });
    }
    checkDocument(await fetchDocument(this.#context, request.document, caller), 'async');
    // Another request with the same token may have come in between.
    const twin = token === undefined ? undefined : this.#knownJob(token, request);
    if (twin) return twin.id;
    if (this.#store.unfinished() >= MAX_OPEN_JOBS) {
      throw new AwsError('LimitExceededException', `There are ${MAX_OPEN_JOBS} open jobs already.`);
    }
    const id = createHash('sha256').update(randomUUID()).digest('hex');
    this.#store.add(id, token, request, caller, this.#context.clock.now());
    this.#waiting.push(id);
    this.#next();
    return id;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#running);
  }

  #knownJob(token: string, request: JobRequest): Job | undefined {
    const job = this.#store.byToken(token);
    // Compared as stored: JSON leaves undefined members out.
    if (job && !isDeepStrictEqual(job.request, JSON.parse(JSON.stringify(request)))) {
      throw new AwsError(
        'IdempotentParameterMismatchException',
        'The ClientRequestToken was used before with other parameters.',
      );
    }
    return job;
  }

  #next(): void {
    while (!this.#stopped && this.#running.size < MAX_RUNNING) {
      const id = this.#waiting.shift();
      const job = id === undefined ? undefined : this.#store.get(id);
      if (!job) return;
      const run = this.#run(job)
        .catch((error: unknown) => {
          if (!this.#stopped) this.#context.warn(`Textract job ${job.id}: ${String(error)}`);
        })
        .finally(() => {
          this.#running.delete(run);
          this.#next();
        });
      this.#running.add(run);
    }
  }

  async #run(job: Job): Promise<void> {
    if (job.status === 'IN_PROGRESS') await this.#detect(job);
    if (this.#stopped) return;
    await this.#announce(job);
    this.#store.announced(job.id);
  }

  async #detect(job: Job): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const bytes = await fetchDocument(this.#context, job.request.document, job.caller);
        checkDocument(bytes, 'async');
        const pages = await this.#engine.read(bytes, { maxPages: LIMITS.asyncPages });
        this.#store.succeed(
          job.id,
          pages.map((page, index) => blocksOfPage(page, index + 1, job.id)),
        );
        return;
      } catch (error) {
        // A job that was cut off by the end of the process is still in progress: the next start goes on with it.
        if (this.#stopped) throw error;
        if (error instanceof UnreadableDocument) return this.#store.fail(job.id, INVALID_DOCUMENT);
        if (error instanceof AwsError) return this.#store.fail(job.id, error.code);
        if (!(error instanceof OcrCrashed) || attempt === MAX_ATTEMPTS) {
          this.#context.warn(`Textract job ${job.id}: ${String(error)}`);
          return this.#store.fail(job.id, INTERNAL_ERROR);
        }
      }
    }
  }

  /** Tells the notification channel, in the message format of Textract's developer guide. */
  async #announce({ id, request: { channel, document, jobTag } }: Job): Promise<void> {
    if (!channel) return;
    const message = {
      JobId: id,
      Status: this.#store.get(id)?.status,
      API: 'StartDocumentTextDetection',
      ...(jobTag !== undefined && { JobTag: jobTag }),
      Timestamp: this.#context.clock.now(),
      DocumentLocation: { S3ObjectName: document.Name, S3Bucket: document.Bucket },
    };
    try {
      await this.#context.call(
        'sns',
        'Publish',
        { TopicArn: channel.SNSTopicArn, Message: JSON.stringify(message) },
        assumeRole(this.#context, {
          service: 'textract.amazonaws.com',
          roleArn: channel.RoleArn,
          sessionName: 'textract',
        }),
      );
    } catch (error) {
      this.#context.warn(`Textract job ${id} is done, but its topic cannot be told: ${String(error)}`);
    }
  }
}
