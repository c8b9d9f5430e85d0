import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { ListExecutionsCommand, type SFNClient } from '@aws-sdk/client-sfn';
import type { SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import { TICKETS } from '../help-desk/contract.ts';
import { plainOf } from '../shared/audit.ts';
import { AUDIT, INCIDENT_EVENT, type IncidentDetail } from '../shared/contract.ts';
import { inLanes } from '../shared/lanes.ts';
import { sendAll } from '../shared/messages.ts';
import type { Objects } from '../shared/objects.ts';
import { parse, parseJson } from '../shared/parse.ts';
import { FileId, ObjectRefSchema } from '../shared/schemas.ts';
import { currentItems } from './audit-items.ts';
import type { Batch, Progress } from './batch.ts';
import { MAX_LOAD_ATTEMPTS, type Mismatch } from './contract.ts';
import { type Execution, eventIdEnd, executionOf, rerunArnOf, statusChange } from './executions.ts';
import type { Answer } from './ledger.ts';
import { start } from './loading.ts';
import { claim } from './repairs.ts';

export interface LoadsDependencies {
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly sfn: Pick<SFNClient, 'send'>;
  readonly sqs: Pick<SQSClient, 'send'>;
  readonly objects: Pick<Objects, 'read'>;
  readonly auditTable: string;
  readonly ticketsTable: string;
  readonly lakeBucket: string;
  readonly changesQueueUrl: string;
  readonly incidentsQueueUrl: string;
  readonly loadStateMachineArn: string;
}

/** Executions that ended so are looked at; one that somebody stopped is left alone. */
const STATUSES = ['FAILED', 'TIMED_OUT'] as const;
/** What no rerun mends. */
const PERMANENT = ['InvalidRecord', 'InvalidEvent', 'InvalidEnvironment'];
/** Executions of one batch. */
const PAGE = 20;
const WRITES = 10;
/** Days back in which loads may wait for a status change that was lost. */
const DAYS = 14;

const Cursor = z.object({ status: z.enum(STATUSES), token: z.optional(z.string()) });
type Cursor = z.output<typeof Cursor>;

/** Looks at the next failed loads. A token of Step Functions is good for 24 hours, which a redrive has to keep to. */
export async function reconcileLoads(batch: Batch, dependencies: LoadsDependencies): Promise<Progress> {
  const { sfn, loadStateMachineArn } = dependencies;
  if (batch.number === 0) await findLostChanges(batch, dependencies);
  const cursor = parse(Cursor, batch.cursor ?? { status: STATUSES[0] }, 'cursor');
  const { executions = [], nextToken } = await sfn.send(
    new ListExecutionsCommand({
      stateMachineArn: loadStateMachineArn,
      statusFilter: cursor.status,
      maxResults: PAGE,
      ...(cursor.token !== undefined && { nextToken: cursor.token }),
    }),
  );
  for (const { executionArn = '', stopDate } of executions) {
    if (stopDate && batch.now - stopDate.getTime() < batch.graceSeconds * 1000) continue;
    // Of the attempts of a load only the latest counts.
    if (await executionOf(sfn, rerunArnOf(executionArn))) continue;
    const execution = await executionOf(sfn, executionArn);
    if (execution) await mend(execution, batch, dependencies);
  }
  const next: Cursor | undefined = nextToken
    ? { ...cursor, token: nextToken }
    : STATUSES.slice(STATUSES.indexOf(cursor.status) + 1).map((status) => ({ status }))[0];
  return { cursor: next ?? null };
}

const LoadInput = z.object({ loadId: FileId, dataset: z.string(), manifest: ObjectRefSchema });
const Entries = z.object({ entries: z.array(z.object({ key: z.string() })) });
const ATTEMPT = /-r(\d+)$/;

/**
 * A load that failed runs again, as long as nothing of it was loaded since: its manifest may name records that are
 * older than what the warehouse has. Otherwise the files that still wait are loaded anew by the next step, and when none
 * is left the load is over.
 */
async function mend(execution: Execution, batch: Batch, dependencies: LoadsDependencies): Promise<void> {
  const { dynamo, sqs, sfn, auditTable, objects, changesQueueUrl } = dependencies;
  const input = parseJson(LoadInput, execution.input ?? '', 'input of the load');
  const { loadId, manifest } = input;
  const item = (await currentItems(dynamo, auditTable, [loadId])).get(loadId);
  if (!item?.EventId?.endsWith(eventIdEnd(execution))) {
    await repair(loadId, manifest.key, 'lost-change', batch, dependencies, () =>
      sendAll(sqs, changesQueueUrl, [statusChange(execution)]),
    );
  }
  const { entries } = parseJson(Entries, await objects.read(manifest), 'manifest');
  const files = entries.flatMap(({ key }) => FILE_ID.exec(key)?.slice(1, 2) ?? []);
  const items = await currentItems(dynamo, auditTable, files);
  const waiting = files.filter((id) => !items.get(id)?.LoadStatus);
  if (waiting.length === 0) return endTickets(loadId, batch, dependencies);
  if (waiting.length < files.length) return;
  const attempt = Number(ATTEMPT.exec(execution.name)?.[1] ?? 1);
  const canRun = attempt < MAX_LOAD_ATTEMPTS && !PERMANENT.includes(execution.error ?? '');
  // What waits for a load that has its own ticket is not the next step's to load.
  await inLanes(WRITES, waiting, (id) =>
    claim(id, 'not-loaded', items.get(id)?.FileName ?? id, { ...dependencies, ...batch }),
  );
  if (!canRun) {
    batch.ledger.found('failed-load', 'helpless', loadId);
    return;
  }
  await repair(loadId, manifest.key, 'failed-load', batch, dependencies, () =>
    start(sfn, execution.stateMachineArn, `${loadId}-r${attempt + 1}`, execution.input ?? ''),
  );
}

/** The file id in the name of a curated record. */
const FILE_ID = /\/([0-9a-f]{64})\.json$/;

async function repair(
  id: string,
  fileName: string,
  mismatch: Mismatch,
  batch: Batch,
  dependencies: LoadsDependencies,
  work: () => Promise<void>,
): Promise<void> {
  const answer: Answer = await claim(id, mismatch, fileName, { ...dependencies, ...batch });
  batch.ledger.found(mismatch, answer, id);
  if (answer === 'repaired' || answer === 'again') await work();
}

/** Loads that the audit table believes to be running, and that are not. */
async function findLostChanges(batch: Batch, dependencies: LoadsDependencies): Promise<void> {
  const { dynamo, sfn, sqs, auditTable, changesQueueUrl } = dependencies;
  const shards = Array.from({ length: AUDIT.shards }, (_, shard) => shard.toString(16));
  for (let day = 0; day < DAYS; day++) {
    const date = new Date(batch.now - day * 86_400_000).toISOString().slice(0, 10);
    const running = await inLanes(4, shards, async (shard) => {
      const { Items = [] } = await dynamo.send(
        new QueryCommand({
          TableName: auditTable,
          IndexName: AUDIT.byPipeline.name,
          KeyConditionExpression: '#key = :key',
          FilterExpression: '#status = :running',
          ExpressionAttributeNames: { '#key': AUDIT.byPipeline.partitionKey, '#status': 'Status' },
          ExpressionAttributeValues: {
            ':key': { S: `warehouse-load#${date}#${shard}` },
            ':running': { S: 'PROCESSING_INITIATED' },
          },
        }),
      );
      return Items.map((item) => parse(RunningLoad, plainOf(item), 'audit item'));
    });
    for (const item of running.flat()) {
      if (batch.now - Date.parse(item.Timestamp) < batch.graceSeconds * 1000) continue;
      const execution = await executionOf(sfn, item.ExecutionArn);
      if (!execution || item.EventId.endsWith(eventIdEnd(execution))) continue;
      await repair(item.pk, item.FileName, 'lost-change', batch, dependencies, () =>
        sendAll(sqs, changesQueueUrl, [statusChange(execution)]),
      );
    }
  }
}

const RunningLoad = z.looseObject({
  pk: z.string(),
  Timestamp: z.string(),
  EventId: z.string(),
  FileName: z.string(),
  ExecutionArn: z.string(),
});

const Waiting = z.looseObject({ Key: z.string() });

/**
 * Everything of a failed load came in by other loads: what waits for it waits no longer. The help desk is told on its
 * queue, as EventBridge tells it.
 */
async function endTickets(
  loadId: string,
  { run, now, ledger }: Batch,
  { dynamo, sqs, ticketsTable, incidentsQueueUrl }: LoadsDependencies,
): Promise<void> {
  const { Items = [] } = await dynamo.send(
    new QueryCommand({
      TableName: ticketsTable,
      IndexName: TICKETS.byMember.name,
      KeyConditionExpression: '#member = :id',
      ExpressionAttributeNames: { '#member': TICKETS.byMember.partitionKey },
      ExpressionAttributeValues: { ':id': { S: loadId } },
    }),
  );
  const messages = Items.map((item) => {
    const { Key } = parse(Waiting, plainOf(item), 'member of a ticket');
    const detail: IncidentDetail = {
      eventId: `reconciliation:${run}:${loadId}`,
      key: Key,
      state: 'RESOLVED',
      severity: 'info',
      pipeline: 'warehouse-load',
      title: 'A failed load is over',
      summary: 'Everything that this load was to bring in was loaded by others.',
      runbook: 'reconciliation',
      occurredAt: new Date(now).toISOString(),
      members: [loadId],
    };
    ledger.found('ticket-behind', 'repaired', loadId);
    return JSON.stringify({
      source: INCIDENT_EVENT.source,
      'detail-type': INCIDENT_EVENT.detailType,
      detail,
    });
  });
  await sendAll(sqs, incidentsQueueUrl, messages);
}
