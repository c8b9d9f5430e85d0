import { SFNClient, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Account } from '../test/support/account.ts';
import { startTestRuntime, type TestRuntime } from '../test/support/runtime.ts';
import type { Section } from './section.ts';
import { spreadOf } from './statistics.ts';

const WARM_UP = 3;
const FAILURES = 20;
/** Nothing here takes as long; a ticket that does not come must not hang the benchmark. */
const PATIENCE_MS = 300_000;

/** From a failure to the ticket at the desk, and from the end of the failure to the ticket's. */
export const tickets: Section = async ({ say }) => {
  say(`tickets: ${WARM_UP} + ${FAILURES} failed executions, one at a time; one alarm`);
  const test = await startTestRuntime();
  const sfn = new SFNClient(test.client);
  const sqs = new SQSClient(test.client);
  try {
    const opened: number[] = [];
    for (let i = 0; i < WARM_UP + FAILURES; i++) {
      const seconds = await failure(test, sfn, i);
      if (i >= WARM_UP) opened.push(seconds);
    }
    const alarm = await deadLetter(test, sqs);
    const failed = spreadOf(opened);
    const range = `${failed.min.toFixed(2)} to ${failed.max.toFixed(2)}, n=${failed.count}`;
    return {
      figures: [
        { what: 'failed execution to ticket, p50', value: failed.median, unit: 's', aim: 5, spread: range },
        { what: 'failed execution to ticket, p95', value: failed.p95, unit: 's', aim: 10 },
        { what: 'dead letter to ticket, by an alarm of one minute', value: alarm, unit: 's', aim: 120 },
      ],
      notes: ['An alarm sees the minutes that are over: at most one is left to wait for, and one to judge.'],
      details: { openedSeconds: opened, alarmSeconds: alarm },
    };
  } finally {
    sfn.destroy();
    sqs.destroy();
    await test.stop();
  }
};

/** Stops an execution under an error of its own, so that it is a cause of its own. */
async function failure(test: TestRuntime, sfn: SFNClient, number: number): Promise<number> {
  const error = `Benchmark${String.fromCharCode(65 + number)}`;
  const told = ticketTitled(test, error);
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({
      stateMachineArn: test.deployment.output('BackfillStateMachineArn'),
      name: `bench-${number}`,
      input: JSON.stringify({ prefix: `documents/none-${number}/` }),
    }),
  );
  const began = performance.now();
  await sfn.send(new StopExecutionCommand({ executionArn, error, cause: 'Stopped by the benchmark.' }));
  return ((await told) - began) / 1000;
}

/** Puts a message where none should be. */
async function deadLetter(test: TestRuntime, sqs: SQSClient): Promise<number> {
  const told = ticketTitled(test, 'dead letter queue');
  const QueueUrl = await new Account(test).queueUrl('CuratedDeadLetters');
  const began = performance.now();
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}' }));
  return ((await told) - began) / 1000;
}

/** When a ticket whose title holds a text is opened at the desk, milliseconds of `performance.now()`. */
function ticketTitled({ runtime: { helpDesk } }: TestRuntime, text: string): Promise<number> {
  if (!helpDesk) throw new Error('The runtime has no help desk.');
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => done(new Error(`No ticket says "${text}".`)), PATIENCE_MS);
    const ignore = helpDesk.onChange(({ title }) => {
      if (title.includes(text)) done(performance.now());
    });
    function done(result: number | Error): void {
      clearTimeout(timer);
      ignore();
      if (typeof result === 'number') resolve(result);
      else reject(result);
    }
  });
}
