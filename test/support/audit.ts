import assert from 'node:assert/strict';
import type { Account } from './account.ts';

/** What has to be in the history of a file that went the whole way, once each, by the way it took. */
export const EXPECTED_HISTORY = {
  text: [
    'received RECEIVED',
    'document-ingestion:<id>:RUNNING:0 PROCESSING_INITIATED',
    'sentiment:<id>-sentiment-0:RUNNING:0 PROCESSING_INITIATED',
    'sentiment:<id>-sentiment-0:SUCCEEDED:0 SUCCEEDED',
    'document-ingestion:<id>:SUCCEEDED:0 SUCCEEDED',
    '<load>:LOADED LOADED',
  ],
  picture: [
    'received RECEIVED',
    'document-ingestion:<id>:RUNNING:0 PROCESSING_INITIATED',
    'ocr:<id>-ocr-0:RUNNING:0 PROCESSING_INITIATED',
    'ocr:<id>-ocr-0:SUCCEEDED:0 SUCCEEDED',
    'sentiment:<id>-sentiment-0:RUNNING:0 PROCESSING_INITIATED',
    'sentiment:<id>-sentiment-0:SUCCEEDED:0 SUCCEEDED',
    'document-ingestion:<id>:SUCCEEDED:0 SUCCEEDED',
    '<load>:LOADED LOADED',
  ],
  refused: [
    'received RECEIVED',
    'document-ingestion:<id>:RUNNING:0 PROCESSING_INITIATED',
    'document-ingestion:<id>:SUCCEEDED:0 REJECTED',
  ],
  load: ['warehouse-load:<id>:RUNNING:0 PROCESSING_INITIATED', 'warehouse-load:<id>:SUCCEEDED:0 SUCCEEDED'],
} as const;

/**
 * Compares the history of a file or load with what should have happened. Wait for empty queues first, so that a row too
 * many has been written too.
 * @param reloaded whether more than one load may have brought the file in, as after a crash
 */
export async function assertHistory(
  account: Account,
  id: string,
  way: keyof typeof EXPECTED_HISTORY,
  { reloaded = false } = {},
): Promise<void> {
  const rows = await account.auditRows(id);
  const found = rows.map(({ eventId, status }) => {
    const event = eventId.replaceAll(id, '<id>').replace(/^[0-9a-f]{64}:/, '<load>:');
    return `${event} ${status}`;
  });
  const news = found.filter((row, i) => !(reloaded && row.startsWith('<load>') && found.indexOf(row) < i));
  assert.deepEqual(news.sort(), [...EXPECTED_HISTORY[way]].sort(), rows[0]?.fileName ?? id);
}

/** Each file has one execution and one row in the warehouse, its success is current, and its history is whole. */
export async function assertOnce(
  account: Account,
  files: ReadonlyMap<string, 'text' | 'picture'>,
  options: { reloaded?: boolean } = {},
): Promise<void> {
  const executions = Map.groupBy(await account.executions('document-ingestion'), ({ name }) =>
    name?.slice(0, 64),
  );
  const rows = await account.rowsByFile();
  for (const [id, way] of files) {
    assert.deepEqual(
      executions.get(id)?.map(({ name, status }) => [name, status]),
      [[id, 'SUCCEEDED']],
    );
    assert.equal(rows.get(id), 1, `rows of ${id} in the warehouse`);
    assert.equal(await account.status(id), 'SUCCEEDED');
    await assertHistory(account, id, way, options);
  }
}
