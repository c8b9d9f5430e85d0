import {
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Runtime } from '../runtime.ts';
import type { Shape } from '../services/service.ts';

const ADMINISTRATOR = { kind: 'administrator' } as const;

/** A record of the audit table, as far as the command line shows it. */
export interface FileState {
  readonly status: string;
  readonly reason: string | undefined;
  readonly loadStatus: string | undefined;
  readonly receivedAt: string | undefined;
  readonly timestamp: string | undefined;
  /** What the execution told of its file: kind, pages, language, … */
  readonly result: Readonly<Record<string, unknown>>;
}

/** A version of an object in the landing bucket. */
export interface LandedFile {
  readonly key: string;
  readonly versionId: string;
}

/** The deployed pipeline as a person with the administrator's rights sees it, found through the stacks' outputs. */
export class Deployment {
  readonly #runtime: Runtime;
  readonly #outputs: ReadonlyMap<string, string>;
  readonly #s3: S3Client;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#s3 = new S3Client({
      endpoint: runtime.endpoint,
      region: runtime.context.region,
      forcePathStyle: true,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    this.#outputs = new Map(
      runtime.stacks.stacks.flatMap((stack) =>
        stack.outputs.map(({ key, value }) => [key, String(value)] as const),
      ),
    );
  }

  /** @throws Error when no stack has the output */
  output(key: string): string {
    const value = this.#outputs.get(key);
    if (value === undefined) {
      throw new Error(`No stack has the output ${key}; outputs: ${[...this.#outputs.keys()].join(', ')}.`);
    }
    return value;
  }

  /** Whether the configuration has a warehouse; without one, data ends as Parquet in the lake. */
  get hasWarehouse(): boolean {
    return this.#outputs.has('WarehouseWorkgroupName');
  }

  get landingBucket(): string {
    return this.output('LandingBucketName');
  }

  get auditTable(): string {
    return this.output('AuditTableName');
  }

  /** Puts an object into the landing bucket and answers its version. */
  async drop(key: string, body: Buffer): Promise<LandedFile> {
    const { VersionId = 'null' } = await this.#s3.send(
      new PutObjectCommand({ Bucket: this.landingBucket, Key: key, Body: body }),
    );
    return { key, versionId: VersionId };
  }

  /** States of files by id; files without a record are left out. */
  async states(fileIds: readonly string[]): Promise<Map<string, FileState>> {
    const table = this.auditTable;
    const states = new Map<string, FileState>();
    for (let i = 0; i < fileIds.length; i += 100) {
      const Keys = fileIds.slice(i, i + 100).map((id) => ({ pk: { S: id }, sk: { S: 'CURRENT' } }));
      const { Responses } = await this.#call('dynamodb', 'BatchGetItem', {
        RequestItems: { [table]: { Keys } },
      });
      for (const item of itemsOf(Responses, table)) states.set(String(item.pk), stateOf(item));
    }
    return states;
  }

  /** How many executions of document-ingestion each file has had. */
  async executionsByFile(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    let nextToken: unknown;
    do {
      const page = await this.#call('states', 'ListExecutions', {
        stateMachineArn: this.output('DocumentIngestionStateMachineArn'),
        maxResults: 1000,
        ...(nextToken ? { nextToken } : {}),
      });
      for (const { name } of Array.isArray(page.executions) ? page.executions : []) {
        const fileId = String(name).slice(0, 64);
        counts.set(fileId, (counts.get(fileId) ?? 0) + 1);
      }
      nextToken = page.nextToken;
    } while (nextToken);
    return counts;
  }

  /** Every version of every object below a prefix of the landing bucket. */
  async landed(prefix: string): Promise<LandedFile[]> {
    const files: LandedFile[] = [];
    let markers: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
    while (markers) {
      const page: ListObjectVersionsCommandOutput = await this.#s3.send(
        new ListObjectVersionsCommand({ Bucket: this.landingBucket, Prefix: prefix, ...markers }),
      );
      for (const { Key, VersionId } of page.Versions ?? []) {
        if (Key && VersionId) files.push({ key: Key, versionId: VersionId });
      }
      markers = page.NextKeyMarker
        ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker ?? '' }
        : undefined;
    }
    return files;
  }

  /** Rows of the warehouse's documents table; 0 before the first load, and where there is no warehouse. */
  async documentsInWarehouse(): Promise<number> {
    if (!this.hasWarehouse) return 0;
    const schema = this.output('WarehouseSchema');
    const { Id } = await this.#call('redshift-data', 'ExecuteStatement', {
      WorkgroupName: this.output('WarehouseWorkgroupName'),
      Database: this.output('WarehouseDatabase'),
      Sql: `SELECT COUNT(*) FROM ${schema}.documents`,
    });
    for (;;) {
      const { Status, Error: reason } = await this.#call('redshift-data', 'DescribeStatement', { Id });
      if (Status === 'FINISHED') break;
      if (Status === 'FAILED' || Status === 'ABORTED') {
        if (/does not exist/i.test(String(reason))) return 0;
        throw new Error(`The warehouse did not answer: ${reason}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const result = await this.#call('redshift-data', 'GetStatementResult', { Id });
    const field = Array.isArray(result.Records) ? result.Records[0]?.[0] : undefined;
    return Number(field?.longValue ?? 0);
  }

  #call(service: string, operation: string, input: Shape): Promise<Shape> {
    return this.#runtime.context.call(service, operation, input, ADMINISTRATOR);
  }
}

function itemsOf(responses: unknown, table: string): Record<string, unknown>[] {
  const items: unknown = Object(responses)[table];
  return Array.isArray(items) ? items.map((item) => plainMap(item)) : [];
}

function stateOf(item: Record<string, unknown>): FileState {
  const reason = Object(item.Reason);
  return {
    status: String(item.Status ?? 'RECEIVED'),
    reason: reason.message === undefined ? undefined : `${reason.code}: ${reason.message}`,
    loadStatus: optional(item.LoadStatus),
    receivedAt: optional(item.ReceivedAt),
    timestamp: optional(item.Timestamp),
    result: Object(item.Result),
  };
}

const optional = (value: unknown): string | undefined => (value === undefined ? undefined : String(value));

/** A DynamoDB item as plain values. */
function plainMap(item: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(Object(item)).map(([name, value]) => [name, plain(value)]));
}

function plain(attribute: unknown): unknown {
  const [[type, value] = ['NULL', true]] = Object.entries(Object(attribute));
  if (type === 'N') return Number(value);
  if (type === 'M') return plainMap(value);
  if (type === 'L') return Array.isArray(value) ? value.map(plain) : [];
  return type === 'NULL' ? null : value;
}
