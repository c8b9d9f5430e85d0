import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { FaultPlan } from '../../local/faults/rules.ts';
import { Account, type PipelineName } from './account.ts';
import { picture } from './picture.ts';
import { startTestRuntime, type TestRuntime } from './runtime.ts';

const SAMPLES = join(import.meta.dirname, '..', '..', 'samples');
/** Seconds after which a message of a killed function comes again, instead of minutes. */
const VISIBILITY_SECONDS = 10;

/** A runtime on which something goes wrong. */
export interface FaultRun {
  readonly test: TestRuntime;
  readonly account: Account;
  /** Decides where faults meet by chance. */
  readonly seed: number;
}

/** The seed of `MILLRACE_SEED`, so that a run can be had again. */
export const givenSeed = (): number | undefined => {
  const { MILLRACE_SEED: seed } = process.env;
  return seed === undefined ? undefined : Number(seed);
};

/** Starts the real template with faults from the first call on. */
export async function startFaulty(plan: FaultPlan): Promise<FaultRun> {
  const test = await startTestRuntime({ faults: { seed: givenSeed(), ...plan }, warn: () => {} });
  const account = new Account(test);
  for (const { url } of await account.queues()) {
    if (/DeadLetters/i.test(url)) continue;
    const Attributes = { VisibilityTimeout: String(VISIBILITY_SECONDS) };
    await account.sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
  }
  return { test, account, seed: test.runtime.faults.report().seed };
}

/** Drops so many texts, and of pictures, PDFs and refused files a few; answers the outcome that each should have. */
export async function dropMixture({ test }: FaultRun, texts: number): Promise<Map<string, string>> {
  const files: [key: string, body: string | Buffer, outcome: string][] = [
    ...Array.from({ length: texts }, (_, i): [string, string, string] => [
      `documents/faults/${i}.txt`,
      `Order ${i} came in time. Thank you for the good work.`,
      'SUCCEEDED',
    ]),
    ['documents/faults/one.png', picture('Thank you for the lamp'), 'SUCCEEDED'],
    ['documents/faults/two.png', picture('The lamp was broken'), 'SUCCEEDED'],
    ['documents/faults/invoice.pdf', readFileSync(join(SAMPLES, 'invoice.pdf')), 'SUCCEEDED'],
    ['documents/faults/empty.txt', '', 'REJECTED'],
    ['documents/faults/broken.pdf', '%PDF-1.7 and then nothing', 'REJECTED'],
  ];
  const ids = await Promise.all(files.map(([key, body]) => test.drop(key, body)));
  return new Map(ids.map((id, i) => [id, files[i]?.[2] ?? '']));
}

/** Executions of what fails by itself; the others fail with them. */
const FAILING: readonly PipelineName[] = ['document-ingestion', 'warehouse-load'];

/** Redrives every failed execution; answers how many there were. */
export async function redriveFailed({ account }: FaultRun): Promise<number> {
  const executions = (await Promise.all(FAILING.map((pipeline) => account.executions(pipeline)))).flat();
  const failed = executions.filter(({ status = '' }) => ['FAILED', 'TIMED_OUT', 'ABORTED'].includes(status));
  for (const { executionArn } of failed)
    await account.sfn.send(new RedriveExecutionCommand({ executionArn }));
  return failed.length;
}
