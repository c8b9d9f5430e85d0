import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Dataset, partitionOf } from '../../datasets/dataset.ts';
import { PartsWriter } from '../../lambdas/shared/dataset/parts-writer.ts';
import type { Row, Value } from '../../lambdas/shared/dataset/values.ts';
import { manifestOf, publishedEntry } from '../../lambdas/shared/load-manifest.ts';
import { type Publication, publicationKey } from '../../lambdas/shared/publication.ts';
import { answerOf, type LoadAnswer } from '../../lambdas/warehouse-load/answer.ts';
import { compact } from '../../lambdas/warehouse-load/compact-load.ts';
import type { CompactedLoad, ManifestEntry } from '../../lambdas/warehouse-load/contract.ts';
import { redshift } from '../../lambdas/warehouse-load/redshift.ts';
import { type StatementOutcome, Warehouse } from '../../local/engines/warehouse/index.ts';

const SCHEMA = 'millrace';
const BUCKET = 'lake';

/** Values by column. */
export type Fields = Readonly<Record<string, Value>>;

/** A file that landed, or a page that was fetched, with its rows. */
export interface LandedFile {
  /** Its key, whatever the version. */
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly landedAt: string;
  readonly rows: readonly Fields[];
}

/** The local warehouse and a lake in memory, loaded by the very code that runs in AWS, without a runtime around it. */
export class LocalWarehouse {
  readonly objects = new Map<string, { readonly body: Uint8Array; readonly writtenAt: Date }>();
  readonly #warehouse: Warehouse;
  readonly #directory: string;

  private constructor(warehouse: Warehouse, directory: string) {
    this.#warehouse = warehouse;
    this.#directory = directory;
  }

  static async open(): Promise<LocalWarehouse> {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-warehouse-'));
    return new LocalWarehouse(await Warehouse.open(join(directory, 'warehouse.duckdb')), directory);
  }

  close(): void {
    this.#warehouse.close();
    rmSync(this.#directory, { recursive: true });
  }

  put(key: string, body: string | Uint8Array, writtenAt = new Date(0)): void {
    this.objects.set(key, { body: typeof body === 'string' ? Buffer.from(body) : body, writtenAt });
  }

  /** Takes an object out of the lake. */
  take(key: string): Uint8Array {
    const { body } = this.#read(key);
    this.objects.delete(key);
    return body;
  }

  /** Publishes a file's rows as its pipeline does, and answers its entry of a manifest. */
  async publish(dataset: Dataset, file: LandedFile): Promise<ManifestEntry> {
    const { key, body } = await publish(dataset, file, async (name, bytes) => this.put(name, bytes));
    return publishedEntry(key, body);
  }

  /** What `compact` makes of a load. */
  plan(dataset: Dataset, entries: readonly ManifestEntry[], salt = ''): Promise<CompactedLoad> {
    const manifest = manifestOf(dataset.name, entries, salt);
    const key = `manifests/${dataset.name}/${manifest.loadId}.json`;
    this.put(key, JSON.stringify(manifest));
    const input = { loadId: manifest.loadId, dataset: dataset.name, manifest: { bucket: BUCKET, key } };
    return compact(input, { s3: this.#s3, lakeBucket: BUCKET, loader: redshift(SCHEMA) });
  }

  /** Loads entries as the state machine does: tables are made where the load finds that they are not. */
  async load(dataset: Dataset, entries: readonly ManifestEntry[], salt = ''): Promise<LoadAnswer> {
    return this.run(await this.plan(dataset, entries, salt));
  }

  async run(load: CompactedLoad): Promise<LoadAnswer> {
    const outcomes = await this.transaction(load.sqls).catch(async () => {
      await this.migrate(load.catalogue);
      return this.transaction(load.sqls);
    });
    const last = outcomes.at(-1)?.result?.rows ?? [];
    return answerOf(
      load.rows,
      last.map((row) => row.map((field) => ({ stringValue: String(Object.values(field)[0]) }))),
    );
  }

  /** Makes what the catalogue lacks. Answers the number of statements that this took. */
  async migrate(catalogue: readonly string[]): Promise<number> {
    const [columns = [], versions = []] = (await this.transaction(catalogue)).slice(-2).map(textsOf);
    const batches = redshift(SCHEMA).migrations({
      columns: new Set(columns.map((row) => row.join('.'))),
      versions: new Map(versions.map(([object = '', version = '']) => [object, version])),
    });
    for (const batch of batches) await this.transaction(batch);
    return batches.flat().length;
  }

  transaction(sqls: readonly string[]): Promise<StatementOutcome[]> {
    return this.#warehouse.transaction(sqls, {
      objects: () => ({
        get: async (_bucket, key) => this.#read(key).body,
        list: async (_bucket, prefix) => [...this.objects.keys()].filter((key) => key.startsWith(prefix)),
      }),
    });
  }

  /** Rows of a query as texts. */
  async sql(query: string): Promise<string[][]> {
    const [outcome] = await this.transaction([query]);
    return outcome ? textsOf(outcome) : [];
  }

  #read(key: string) {
    const object = this.objects.get(key);
    if (object) return object;
    throw Object.assign(new Error('The specified key does not exist.'), { name: 'NoSuchKey' });
  }

  /** S3 as `compact` calls it. */
  get #s3() {
    const send = async ({ input }: { input: Record<string, unknown> }) => {
      const key = String(input.Key);
      if (input.Body !== undefined) {
        this.put(key, typeof input.Body === 'string' ? input.Body : new Uint8Array(input.Body as Uint8Array));
        return {};
      }
      const { body, writtenAt } = this.#read(key);
      const last = /^bytes=-(\d+)$/.exec(String(input.Range ?? ''))?.[1];
      const bytes = last === undefined ? body : body.subarray(-Number(last));
      return {
        Body: { transformToByteArray: async () => bytes },
        ...(last !== undefined && { ContentRange: `bytes */${body.byteLength}` }),
        LastModified: writtenAt,
      };
    };
    // As much of a client as there is to call.
    return { send } as unknown as Parameters<typeof compact>[1]['s3'];
  }
}

/** Publishes a file's rows as its pipeline does: first the parts, then what makes them visible. */
export async function publish(
  dataset: Dataset,
  { name, landedAt, rows }: LandedFile,
  put: (key: string, body: string | Uint8Array) => Promise<unknown>,
): Promise<{ readonly key: string; readonly body: string; readonly publication: Publication }> {
  if (dataset.origin === 'records') throw new Error(`${dataset.name} has records.`);
  const fileId = createHash('sha256').update(`${name} ${landedAt}`).digest('hex');
  const landed = new Date(landedAt);
  const writer = new PartsWriter({
    dataset,
    fileId,
    sourceFile: name,
    landedAt: landed,
    maxBufferedBytes: 1e6,
    write: async (key, bytes) => void (await put(key, bytes)),
  });
  for (const [i, row] of rows.entries()) await writer.add(rowOf(dataset, row), i + 1);
  const publication: Publication = {
    dataset: dataset.name,
    fileId,
    sourceFile: name,
    landedAt: landed.toISOString(),
    rows: rows.length,
    parts: await writer.finish(),
  };
  const key = publicationKey(dataset.origin, dataset.name, partitionOf(landed), fileId);
  const body = JSON.stringify(publication);
  await put(key, body);
  return { key, body, publication };
}

function rowOf(dataset: Dataset, fields: Fields): Row {
  return dataset.columns.map(({ name }) => fields[name] ?? null);
}

function textsOf({ result }: StatementOutcome): string[][] {
  return (result?.rows ?? []).map((row) =>
    row.map((field) => ('isNull' in field ? '' : String(Object.values(field)[0]))),
  );
}
