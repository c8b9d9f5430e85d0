import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileState } from '../../local/cli/deployment.ts';
import { type FileReport, fileReport, isDone, isGood, table } from '../../local/cli/report.ts';

const FILE = { fileId: 'f'.repeat(64), fileName: 'documents/a.txt' };

function state(more: Partial<FileState>): FileState {
  return {
    status: 'SUCCEEDED',
    reason: undefined,
    loadStatus: undefined,
    receivedAt: '2026-11-21T10:00:00.000Z',
    timestamp: '2026-11-21T10:00:01.500Z',
    result: {},
    ...more,
  };
}

const reported = (more: Partial<FileState>): FileReport => fileReport(FILE, state(more), 1);

test('a file that nothing is known of was received, and all else is null', () => {
  const { status, loaded, executions, ...others } = fileReport(FILE, undefined, 0);
  assert.deepEqual([status, loaded, executions], ['RECEIVED', false, 0]);
  const { fileName, fileId, ...rest } = others;
  assert.deepEqual({ fileName, fileId }, FILE);
  assert.deepEqual(new Set(Object.values(rest)), new Set([null]));
});

test('seconds are those from landing to outcome, and null before it', () => {
  assert.equal(reported({}).seconds, 1.5);
  assert.equal(reported({ status: 'PROCESSING_INITIATED' }).seconds, null);
});

/** Status and load status, whether the run need not wait any more, and whether it ended as it should. */
const ENDS: readonly (readonly [string, string | undefined, boolean, boolean])[] = [
  ['RECEIVED', undefined, false, false],
  ['PROCESSING_INITIATED', undefined, false, false],
  ['SUCCEEDED', undefined, false, false],
  ['SUCCEEDED', 'LOADED', true, true],
  ['SUCCEEDED', 'PUBLISHED', true, true],
  ['REJECTED', undefined, true, true],
  ['HELD', undefined, true, false],
  ['FAILED', undefined, true, false],
];

for (const [status, loadStatus, done, good] of ENDS) {
  test(`${status} ${loadStatus ?? 'not loaded'}: ${done ? 'done' : 'awaited'}, exit status ${good ? 0 : 1}`, () => {
    assert.equal(isDone(state({ status, loadStatus })), done);
    assert.equal(isGood(reported({ status, loadStatus })), good);
  });
}

test('the table keeps its columns with wide letters, and one line for each file whatever its name', () => {
  const files = ['documents/Grüße 世界.txt', 'documents/😀.txt', 'documents/two\nlines\x1b[2J.txt'].map(
    (fileName) => ({ ...reported({ loadStatus: 'LOADED' }), fileName, reason: 'A: b.' }),
  );
  const lines = table(files).split('\n');
  assert.equal(lines.length, 2 + files.length);
  const columnsBefore = (line: string) =>
    [...line.slice(0, line.indexOf('SUCCEEDED'))].reduce(
      (sum, letter) => sum + (/[世界😀]/u.test(letter) ? 2 : 1),
      0,
    );
  assert.equal(new Set(lines.slice(2).map(columnsBefore)).size, 1);
  assert.ok(!table(files).includes('\x1b'));
});
