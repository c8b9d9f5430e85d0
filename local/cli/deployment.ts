import {
  GetBucketNotificationConfigurationCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { z } from 'zod';
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

/** What the warehouse answers; the first thousand rows or so. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | boolean | null)[])[];
}

/** The warehouse did not run a statement; the message is its own. */
class WarehouseRefused extends Error {
  override readonly name = 'WarehouseRefused';
}

const Field = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const Result = z.object({
  ColumnMetadata: z.array(z.object({ name: z.string() })),
  Records: z.array(z.array(Field)),
});

/** A field says its type by the name of its one member; `isNull` has no value. */
function plainField(field: z.output<typeof Field>): string | number | boolean | null {
  const [[type, value] = ['isNull', null]] = Object.entries(field);
  return type === 'isNull' ? null : value;
}

/** Its files have a name of their own. */
const CANARY = 'canary/';

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

  /** Prefixes of the landing bucket whose new objects start a pipeline, but for the canary's. */
  async prefixes(): Promise<readonly string[]> {
    const { QueueConfigurations = [] } = await this.#s3.send(
      new GetBucketNotificationConfigurationCommand({ Bucket: this.landingBucket }),
    );
    return QueueConfigurations.flatMap(({ Filter }) => Filter?.Key?.FilterRules ?? [])
      .filter(({ Name }) => Name?.toLowerCase() === 'prefix')
      .flatMap(({ Value }) => (Value && Value !== CANARY ? [Value] : []));
  }

  /** ARNs of the state machines that files start: of the documents' pipeline, and of each dataset of tabular files. */
  async fileMachines(): Promise<readonly string[]> {
    const datasets = (await this.prefixes()).filter((prefix) => prefix !== 'documents/');
    const names = ['document-ingestion', ...datasets.map((prefix) => prefix.slice(0, -1))];
    return names.map((name) =>
      this.output(
        `${name.replace(/(?:^|[-_])(\w)/g, (_, first: string) => first.toUpperCase())}StateMachineArn`,
      ),
    );
  }

  /** How many executions each file has had. */
  async executionsByFile(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const stateMachineArn of await this.fileMachines()) {
      let nextToken: unknown;
      do {
        const page = await this.#call('states', 'ListExecutions', {
          stateMachineArn,
          maxResults: 1000,
          ...(nextToken ? { nextToken } : {}),
        });
        for (const { name } of Array.isArray(page.executions) ? page.executions : []) {
          const fileId = String(name).slice(0, 64);
          counts.set(fileId, (counts.get(fileId) ?? 0) + 1);
        }
        nextToken = page.nextToken;
      } while (nextToken);
    }
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

  /** Rows of a table of the warehouse; 0 before its first load, and where there is no warehouse. */
  async rowsInWarehouse(table: string): Promise<number> {
    if (!this.hasWarehouse) return 0;
    try {
      const { rows } = await this.ask(`SELECT COUNT(*) FROM ${this.output('WarehouseSchema')}.${table}`);
      return Number(rows[0]?.[0] ?? 0);
    } catch (error) {
      if (error instanceof WarehouseRefused && /does not exist/i.test(error.message)) return 0;
      throw error;
    }
  }

  /** Asks the warehouse. @throws WarehouseRefused */
  async ask(Sql: string): Promise<Answer> {
    const { Id } = await this.#call('redshift-data', 'ExecuteStatement', {
      WorkgroupName: this.output('WarehouseWorkgroupName'),
      Database: this.output('WarehouseDatabase'),
      Sql,
    });
    for (;;) {
      const { Status, Error: reason } = await this.#call('redshift-data', 'DescribeStatement', { Id });
      if (Status === 'FINISHED') break;
      if (Status === 'FAILED' || Status === 'ABORTED') throw new WarehouseRefused(String(reason));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { ColumnMetadata, Records } = Result.parse(
      await this.#call('redshift-data', 'GetStatementResult', { Id }),
    );
    return {
      columns: ColumnMetadata.map(({ name }) => name),
      rows: Records.map((row) => row.map(plainField)),
    };
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
