import { createHash } from 'node:crypto';
import type { SourceFile } from '../shared/contract.ts';
import { OcrFailed, OcrTimedOut } from '../shared/errors.ts';
import { LATER } from '../shared/task-worker.ts';
import type { OcrResult } from './contract.ts';
import type { Job, Jobs } from './jobs.ts';
import { hasTroubleOfTextract, refusalOfError, refusalOfJob } from './refusals.ts';
import { type Shelf, store } from './result.ts';
import type { SpendGuard } from './spend.ts';
import type { Textract, TextractPage } from './textract.ts';

export interface ReadDependencies {
  readonly textract: Textract;
  readonly jobs: Jobs;
  readonly shelf: Shelf;
  /** Asked before anything that costs is handed to Textract. @default everything passes */
  readonly spend?: SpendGuard | undefined;
}

export interface ReadTask {
  readonly taskToken: string;
  readonly executionName: string;
  readonly fileId: string;
  readonly source: SourceFile;
  readonly kind: 'image' | 'pdf' | 'tiff';
  readonly pages: number;
}

/** Reads a picture at once; of a PDF or TIFF starts the job, or goes on with the one that an earlier attempt started. */
export async function read(
  task: ReadTask,
  dependencies: ReadDependencies,
): Promise<OcrResult | typeof LATER> {
  try {
    return task.kind === 'image'
      ? await readImage(task, dependencies)
      : await readDocument(task, dependencies);
  } catch (error) {
    const refusal = refusalOfError(error);
    if (!refusal) throw error;
    return refusal;
  }
}

async function readImage(task: ReadTask, { textract, shelf, spend }: ReadDependencies): Promise<OcrResult> {
  await spend?.admit(task);
  const answer = await textract.detect(task.source);
  return store(task.fileId, only(answer), 'DetectDocumentText', shelf);
}

async function* only<Item>(item: Item): AsyncGenerator<Item> {
  yield item;
}

async function readDocument(
  task: ReadTask,
  dependencies: ReadDependencies,
): Promise<OcrResult | typeof LATER> {
  const { textract, jobs, spend } = dependencies;
  const { fileId, source, executionName } = task;
  // The row is there before the job is, because the job's completion may arrive before its id is known.
  const job = await jobs.claim(fileId, task.taskToken, executionName);
  const failed = job.jobId ?? job.abandonedJobId;
  if (job.jobId !== undefined) {
    const first = await textract.get(job.jobId);
    if (first?.status === 'IN_PROGRESS') return LATER;
    if (first && !isOurTrouble(first)) return conclude(fileId, job.jobId, first, dependencies);
    await jobs.abandon(fileId, job.jobId);
  }
  await spend?.admit(task);
  const jobId = await textract.start(source, requestToken(fileId, executionName, failed));
  await jobs.started(fileId, jobId);
  return LATER;
}

/** Whether only another job can help: this one failed, wholly or for some pages, for no fault of the document. */
function isOurTrouble({ status, statusMessage, warnings }: TextractPage): boolean {
  if (status === 'FAILED') return refusalOfJob(statusMessage) === undefined;
  return status === 'PARTIAL_SUCCESS' && hasTroubleOfTextract(warnings);
}

/**
 * The token by which Textract knows a repeated start. The file id for a first execution; each execution after it, and
 * each job that replaces a failed one, has its own. At most 64 characters.
 */
export function requestToken(fileId: string, executionName: string, failedJobId?: string): string {
  if (executionName === `${fileId}-ocr-0` && failedJobId === undefined) return fileId;
  return createHash('sha256')
    .update(`${executionName}|${failedJobId ?? ''}`)
    .digest('hex');
}

/**
 * Textract says that a job is done: collects its result for whoever waits. Answers nothing for a job that nobody waits
 * for any more.
 */
export async function collect(
  fileId: string,
  jobId: string,
  dependencies: ReadDependencies,
): Promise<{ job: Job; work: () => Promise<OcrResult | typeof LATER> } | undefined> {
  const job = await dependencies.jobs.find(fileId);
  const isStale = job?.abandonedJobId === jobId || (job?.jobId !== undefined && job.jobId !== jobId);
  if (!job || isStale) return undefined;
  return { job, work: () => collectJob(fileId, jobId, dependencies) };
}

async function collectJob(fileId: string, jobId: string, dependencies: ReadDependencies) {
  const first = await dependencies.textract.get(jobId);
  if (!first) throw new OcrFailed(`Textract does not know job ${jobId}. Run the file again.`);
  if (first.status === 'IN_PROGRESS') return LATER;
  return conclude(fileId, jobId, first, dependencies);
}

/**
 * Asks once more for a job whose completion never came.
 * @throws OcrTimedOut when it is not done
 */
export async function lastLook(fileId: string, dependencies: ReadDependencies): Promise<OcrResult> {
  const job = await dependencies.jobs.find(fileId);
  const first = job?.jobId === undefined ? undefined : await dependencies.textract.get(job.jobId);
  if (job?.jobId !== undefined && first && first.status !== 'IN_PROGRESS') {
    return conclude(fileId, job.jobId, first, dependencies);
  }
  const state =
    job?.jobId === undefined ? 'no job was started' : `job ${job.jobId} is ${first?.status ?? 'unknown'}`;
  throw new OcrTimedOut(`Textract did not finish in time: ${state}. Redrive the execution to go on with it.`);
}

/** The result of a job that has ended, given its first answer. */
async function conclude(
  fileId: string,
  jobId: string,
  first: TextractPage,
  { textract, shelf }: ReadDependencies,
): Promise<OcrResult> {
  if (first.status === 'FAILED') {
    const refusal = refusalOfJob(first.statusMessage);
    if (refusal) return refusal;
    throw new OcrFailed(`Textract gave job ${jobId} up: ${first.statusMessage || 'it says no reason'}.`);
  }
  return store(fileId, answersOf(jobId, first, textract), 'StartDocumentTextDetection', shelf);
}

async function* answersOf(
  jobId: string,
  first: TextractPage,
  textract: Textract,
): AsyncGenerator<TextractPage> {
  let answer = first;
  yield answer;
  while (answer.next !== undefined) {
    const following = await textract.get(jobId, answer.next);
    if (!following) throw new OcrFailed(`Textract lost the result of job ${jobId}. Run the file again.`);
    answer = following;
    yield answer;
  }
}
