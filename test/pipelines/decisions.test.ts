import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { Decision } from '../../lambdas/shared/contract.ts';
import { Account } from '../support/account.ts';
import { startTestRuntime } from '../support/runtime.ts';

const runtime = await startTestRuntime();
after(() => runtime.stop());
const account = new Account(runtime);

const HELD = 'document-ingestion:HELD:COST_OVER_LIMIT';
/** A text whose analysis costs more than a file may cost by itself. */
const EXPENSIVE = 'What a wonderful day it was. '.repeat(10_000);

let files = 0;
async function dropExpensive() {
  const key = `documents/expensive-${++files}.txt`;
  const { versionId } = await runtime.deployment.drop(key, Buffer.from(EXPENSIVE));
  const fileId = runtime.fileId(key, versionId);
  await becomes(fileId, 'HELD');
  return { fileId, bucket: account.landing, key, versionId };
}

const becomes = (fileId: string, status: string) =>
  account.until(`${fileId} to be ${status}`, async () => (await account.status(fileId)) === status);

const ticketIs = (state: string) =>
  account.until(`the ticket of held files to be ${state}`, async () => {
    const tickets = await account.tickets(runtime.deployment.output('TicketsTableName'));
    return tickets.find(({ Key }) => Key === HELD)?.State === state;
  });

const start = (name: string, input: object) =>
  account.sfn.send(
    new StartExecutionCommand({
      stateMachineArn: account.machine('document-ingestion'),
      name,
      input: JSON.stringify(input),
    }),
  );

async function rerun(file: { readonly fileId: string }, number: number, decision?: Decision) {
  const { executionArn } = await start(`${file.fileId}-r${number}`, {
    ...file,
    ...(decision && { decision }),
  });
  return account.until('the end of the rerun', async () => {
    const execution = await account.sfn.send(new DescribeExecutionCommand({ executionArn }));
    return execution.status !== 'RUNNING' && execution;
  });
}

describe('a file that waits for a person', () => {
  test('opens one ticket with all that wait, which is over when each has been released or rejected', async () => {
    const [released, rejected] = [await dropExpensive(), await dropExpensive()];
    await ticketIs('OPEN');

    await rerun(released, 2, { action: 'release', by: 'jane' });
    await becomes(released.fileId, 'SUCCEEDED');
    await ticketIs('OPEN');

    const { status, output = '' } = await rerun(rejected, 2, {
      action: 'reject',
      by: 'jane',
      comment: 'twice',
    });
    const { outcome, reason, quarantine, estimatedCostUsd } = JSON.parse(output);
    assert.deepEqual([status, outcome, estimatedCostUsd], ['SUCCEEDED', 'REJECTED', 0]);
    assert.deepEqual(reason, {
      code: 'REJECTED_BY_OPERATOR',
      message: 'jane decided not to process the file: twice',
    });
    assert.equal(await account.text(quarantine.bucket, quarantine.key), EXPENSIVE);
    await becomes(rejected.fileId, 'REJECTED');
    await ticketIs('RESOLVED');
  });

  test('waits on, and keeps its ticket, when it is only run again', async () => {
    const file = await dropExpensive();
    await ticketIs('OPEN');
    const { output = '' } = await rerun(file, 2);
    assert.equal(JSON.parse(output).outcome, 'HELD');
    await account.rested();
    assert.equal(await account.status(file.fileId), 'HELD');
    await ticketIs('OPEN');
    await rerun(file, 3, { action: 'release', by: 'jane' });
    await ticketIs('RESOLVED');
  });

  test('is not decided about by its first run, whose input is a function of the object alone', async () => {
    const file = { fileId: 'f'.repeat(64), bucket: account.landing, key: 'documents/a.txt', versionId: 'v' };
    const decision: Decision = { action: 'release', by: 'jane' };
    const { executionArn } = await start(file.fileId, { ...file, decision });
    const { status, error } = await account.until('the end of the run', async () => {
      const execution = await account.sfn.send(new DescribeExecutionCommand({ executionArn }));
      return execution.status !== 'RUNNING' && execution;
    });
    assert.deepEqual([status, error], ['FAILED', 'InvalidEvent']);
  });
});
