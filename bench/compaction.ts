import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { customers } from '../datasets/customers.ts';
import { Account } from '../test/support/account.ts';
import { customer, putFile } from '../test/support/lake-writer.ts';
import { startTestRuntime } from '../test/support/runtime.ts';
import type { Section } from './section.ts';

const FILES = 100;
const ROWS = 4_000;
const MIB = 1024 ** 2;
/** Files of the last hours are left alone. */
const LATER_MS = 7 * 3_600_000;

const Output = z.object({ filesBefore: z.number(), filesAfter: z.number(), failed: z.number() });

/** A partition of many small files, made few by a run of maintenance. */
export const compaction: Section = async ({ say }) => {
  say(`compaction: ${FILES} files of ${ROWS.toLocaleString('en')} rows in one partition`);
  const test = await startTestRuntime();
  const account = new Account(test);
  try {
    const day = new Date('2026-11-02T00:00:00Z');
    let bytes = 0;
    for (let file = 0; file < FILES; file++) {
      const rows = Array.from({ length: ROWS }, (_, i) =>
        customer(`C-${file * ROWS + i}`, new Date(+day + i * 1_000)),
      );
      const sourceFile = `raw/crm/bench/${file}.json`;
      const key = await putFile(account, { dataset: customers, sourceFile, landedAt: day, rows });
      bytes += (await account.bytes(account.lake, key)).byteLength;
    }
    const began = performance.now();
    const { executionArn } = await account.sfn.send(
      new StartExecutionCommand({
        stateMachineArn: test.deployment.output('MaintenanceStateMachineArn'),
        input: JSON.stringify({ startedAt: new Date(Date.now() + LATER_MS).toISOString() }),
      }),
    );
    const output = await account.until(
      'the end of the maintenance',
      async () => {
        const { status, output, cause } = await account.sfn.send(
          new DescribeExecutionCommand({ executionArn }),
        );
        if (status !== 'RUNNING' && status !== 'SUCCEEDED') throw new Error(cause);
        return status === 'SUCCEEDED' && Output.parse(JSON.parse(output ?? ''));
      },
      600,
    );
    const seconds = (performance.now() - began) / 1000;
    return {
      figures: [
        { what: 'rows compacted', value: (FILES * ROWS) / seconds, unit: 'rows/s' },
        { what: 'the same', value: bytes / MIB / seconds, unit: 'MiB/s' },
        { what: 'files after', value: output.filesAfter, unit: `of ${output.filesBefore}` },
      ],
      notes: ['From the start of the run to its end: planning, both comparisons and the report are in it.'],
    };
  } finally {
    await test.stop();
  }
};
