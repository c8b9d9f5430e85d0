import {
  type AttributeValue,
  BatchGetItemCommand,
  type BatchGetItemCommandOutput,
  paginateQuery,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import { RECONCILIATION_KEY } from '../../lambdas/reconciliation/contract.ts';
import { AUDIT, type AuditStatus } from '../../lambdas/shared/contract.ts';
import type { Deployment } from './deployment.ts';
import { mapInLanes } from './pace.ts';
import { daysBetween } from './time.ts';

/** Queries at once: the indexes are spread over sixteen shards, and a day of each is one query. */
const LANES = 16;
const BATCH = 100;
const SHARDS = '0123456789abcdef';

const Item = z.looseObject({
  [AUDIT.partitionKey]: z.string(),
  [AUDIT.sortKey]: z.string(),
  EventId: z.string(),
  FileName: z.string(),
  Status: z.string(),
  Timestamp: z.string(),
  Pipeline: z.string().optional(),
  Bucket: z.string().optional(),
  VersionId: z.string().optional(),
  Bytes: z.number().optional(),
  ReceivedAt: z.string().optional(),
  ExecutionArn: z.string().optional(),
  Attempt: z.number().optional(),
  DurationMs: z.number().optional(),
  Reason: z.object({ code: z.string(), message: z.string() }).nullish(),
  Result: z.record(z.string(), z.unknown()).nullish(),
  LoadStatus: z.string().optional(),
  LoadId: z.string().optional(),
  LoadedAt: z.string().optional(),
  Detail: z.record(z.string(), z.unknown()).optional(),
});

/** An item of the audit table: the current state of a file or load, or one thing that happened to it. */
export type AuditItem = z.output<typeof Item>;

/** Sort keys of the current state and of what happened; notes of the reconciliation are neither. */
const STORY = /^(CURRENT$|\d{4}-)/;

export const STATUSES = [
  'RECEIVED',
  'PROCESSING_INITIATED',
  'SUCCEEDED',
  'REJECTED',
  'HELD',
  'FAILED',
] as const satisfies readonly AuditStatus[];

const FINAL: ReadonlySet<string> = new Set<AuditStatus>(['SUCCEEDED', 'REJECTED', 'HELD', 'FAILED']);

/** Whether a file or load has its outcome. */
export const isFinal = (status: string): boolean => FINAL.has(status);

/** Rows of a tabular file: what was taken in, and what went to quarantine. Null for other files. */
export function rowsOf({
  Result,
}: AuditItem): { readonly rows: number; readonly quarantined: number } | null {
  const { rows, quarantined } = Result ?? {};
  return typeof rows === 'number' && typeof quarantined === 'number' ? { rows, quarantined } : null;
}

/** `114`, or `114 of 120` where some went to quarantine. */
export function shownRows(counts: ReturnType<typeof rowsOf>): string {
  if (!counts) return '';
  const { rows, quarantined } = counts;
  return quarantined === 0 ? `${rows}` : `${rows} of ${rows + quarantined}`;
}

export const isCurrent = (item: AuditItem): boolean => item.sk === 'CURRENT';

/** What the table is asked for. */
export interface Question {
  readonly statuses?: readonly string[];
  readonly pipelines?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  /** The most items, the latest first. */
  readonly limit?: number;
}

/** The audit table, read through its indexes. */
export class AuditReader {
  readonly #dynamo: Deployment['dynamo'];
  readonly #table: string;

  constructor(deployment: Deployment) {
    this.#dynamo = deployment.dynamo;
    this.#table = deployment.output('AuditTableName');
  }

  /** Current states by id; ids without one are left out. Read consistently. */
  async current(ids: readonly string[]): Promise<Map<string, AuditItem>> {
    const batches = Array.from({ length: Math.ceil(ids.length / BATCH) }, (_, i) =>
      [...new Set(ids)].slice(i * BATCH, (i + 1) * BATCH),
    ).filter((batch) => batch.length > 0);
    const items = await mapInLanes(batches, 4, (batch) => this.#get(batch));
    return new Map(items.flat().map((item) => [item.pk, item]));
  }

  async #get(ids: readonly string[]): Promise<AuditItem[]> {
    const found: AuditItem[] = [];
    let keys: Record<string, AttributeValue>[] | undefined = ids.map((id) => ({
      pk: { S: id },
      sk: { S: 'CURRENT' },
    }));
    while (keys && keys.length > 0) {
      const answer: BatchGetItemCommandOutput = await this.#dynamo.send(
        new BatchGetItemCommand({ RequestItems: { [this.#table]: { Keys: keys, ConsistentRead: true } } }),
      );
      found.push(...(answer.Responses?.[this.#table] ?? []).map(read));
      keys = answer.UnprocessedKeys?.[this.#table]?.Keys;
    }
    return found;
  }

  /** Everything about one file or load: its current state and what happened to it, in order. */
  history(id: string): Promise<AuditItem[]> {
    return this.#query({
      KeyConditionExpression: '#k = :v',
      ExpressionAttributeNames: { '#k': AUDIT.partitionKey },
      ExpressionAttributeValues: { ':v': { S: id } },
    });
  }

  /** Everything about every version of a file, in order. */
  byFileName(name: string): Promise<AuditItem[]> {
    return this.#query({
      IndexName: AUDIT.byFileName.name,
      KeyConditionExpression: '#k = :v',
      ExpressionAttributeNames: { '#k': AUDIT.byFileName.partitionKey },
      ExpressionAttributeValues: { ':v': { S: name } },
    });
  }

  /**
   * Current states by status, by pipeline, or both, the latest first. Days are asked from the latest backwards, until
   * there are enough.
   */
  async find({
    statuses,
    pipelines,
    from,
    to,
    limit = Number.POSITIVE_INFINITY,
  }: Question): Promise<AuditItem[]> {
    const found: AuditItem[] = [];
    const byPipeline = pipelines !== undefined && statuses === undefined;
    const heads = byPipeline ? pipelines : (statuses ?? STATUSES);
    for (const day of daysBetween(from, to)) {
      const partitions = heads.flatMap((head) => [...SHARDS].map((shard) => `${head}#${day}#${shard}`));
      const pages = await mapInLanes(partitions, LANES, (partition) =>
        this.#shard(byPipeline ? AUDIT.byPipeline : AUDIT.byStatus, partition, {
          from,
          to,
          limit,
          pipelines: byPipeline ? undefined : pipelines,
        }),
      );
      found.push(...pages.flat().sort(latestFirst));
      if (found.length >= limit) break;
    }
    return found.slice(0, limit === Number.POSITIVE_INFINITY ? undefined : limit);
  }

  /** How many current states have a status. */
  async count(status: string, from: number, to: number): Promise<number> {
    const partitions = daysBetween(from, to).flatMap((day) =>
      [...SHARDS].map((shard) => `${status}#${day}#${shard}`),
    );
    const counts = await mapInLanes(partitions, LANES, async (partition) => {
      let count = 0;
      let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
      do {
        const page = await this.#dynamo.send(
          new QueryCommand({
            TableName: this.#table,
            Select: 'COUNT',
            ExclusiveStartKey,
            ...inShard(AUDIT.byStatus, partition, from, to),
          }),
        );
        count += page.Count ?? 0;
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey);
      return count;
    });
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #shard(
    index: typeof AUDIT.byStatus | typeof AUDIT.byPipeline,
    partition: string,
    {
      from,
      to,
      limit,
      pipelines,
    }: { from: number; to: number; limit: number; pipelines: readonly string[] | undefined },
  ): Promise<AuditItem[]> {
    const items: AuditItem[] = [];
    const pages = paginateQuery(
      { client: this.#dynamo },
      {
        TableName: this.#table,
        ScanIndexForward: false,
        ...(Number.isFinite(limit) && { Limit: Math.max(1, limit) }),
        ...inShard(index, partition, from, to),
      },
    );
    for await (const { Items = [] } of pages) {
      items.push(
        ...Items.map(read).filter(({ Pipeline = '' }) => !pipelines || pipelines.includes(Pipeline)),
      );
      if (items.length >= limit) break;
    }
    return items;
  }

  /** Summaries of reconciliations, the latest first. */
  async reconciliations(limit: number): Promise<Record<string, unknown>[]> {
    const { Items = [] } = await this.#dynamo.send(
      new QueryCommand({
        TableName: this.#table,
        // Beside the summaries, which begin with their time, there is what the next run has to know.
        KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :first AND :last',
        ExpressionAttributeNames: { '#pk': AUDIT.partitionKey, '#sk': AUDIT.sortKey },
        ExpressionAttributeValues: {
          ':pk': { S: RECONCILIATION_KEY },
          ':first': { S: '0' },
          ':last': { S: '9~' },
        },
        ScanIndexForward: false,
        Limit: limit,
      }),
    );
    return Items.map((item) => unmarshall(item));
  }

  async #query(input: Omit<Parameters<typeof paginateQuery>[1], 'TableName'>): Promise<AuditItem[]> {
    const items: AuditItem[] = [];
    for await (const { Items = [] } of paginateQuery(
      { client: this.#dynamo },
      { TableName: this.#table, ...input },
    )) {
      items.push(...Items.filter(({ sk }) => STORY.test(sk?.S ?? '')).map(read));
    }
    return items.sort((a, b) => a.Timestamp.localeCompare(b.Timestamp) || a.sk.localeCompare(b.sk));
  }
}

function inShard(
  index: typeof AUDIT.byStatus | typeof AUDIT.byPipeline,
  partition: string,
  from: number,
  to: number,
) {
  return {
    IndexName: index.name,
    KeyConditionExpression: '#k = :k AND #t BETWEEN :from AND :to',
    ExpressionAttributeNames: { '#k': index.partitionKey, '#t': index.sortKey },
    ExpressionAttributeValues: {
      ':k': { S: partition },
      ':from': { S: new Date(from).toISOString() },
      ':to': { S: new Date(to).toISOString() },
    },
  };
}

const read = (item: Record<string, AttributeValue>): AuditItem => Item.parse(unmarshall(item));

const latestFirst = (a: AuditItem, b: AuditItem) => b.Timestamp.localeCompare(a.Timestamp);
