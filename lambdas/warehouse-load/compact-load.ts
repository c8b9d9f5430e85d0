import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { type Dataset, partitionOf } from '../../datasets/dataset.ts';
import { DATASETS } from '../../datasets/index.ts';
import { LAKE } from '../shared/contract.ts';
import { InvalidEvent } from '../shared/errors.ts';
import { inLanes } from '../shared/lanes.ts';
import { JSON_TYPE, uriOf } from '../shared/objects.ts';
import { parseJson } from '../shared/parse.ts';
import { FileId } from '../shared/schemas.ts';
import type { CompactedLoad, LoadedFile, LoadInput, Manifest, ManifestEntry } from './contract.ts';
import { InvalidRecord } from './errors.ts';
import { parquetOf } from './parquet.ts';
import { type Row, rowOf } from './rows.ts';
import { loadStatements } from './sql.ts';

export interface CompactDependencies {
  readonly s3: Pick<S3Client, 'send'>;
  readonly lakeBucket: string;
  readonly warehouseSchema: string;
}

const ManifestSchema: z.ZodMiniType<Manifest> = z.object({
  loadId: FileId,
  dataset: z.string(),
  entries: z.array(
    z.object({ key: z.string(), versionId: z.nullable(z.string()), eTag: z.string(), size: z.number() }),
  ),
});

/** Records read at once: enough to hide latency, few enough to keep memory small. */
const READS = 20;

interface Part {
  readonly key: string;
  readonly rows: Row[];
}

/**
 * Reads the records of a manifest, checks each against its dataset, and writes one Parquet file for each partition,
 * the list of files, and the manifest for COPY. Everything it writes is named by the load, so writing it again
 * replaces it with the same.
 * @throws InvalidRecord when a record does not fit the dataset
 */
export async function compact(input: LoadInput, dependencies: CompactDependencies): Promise<CompactedLoad> {
  const { s3, lakeBucket, warehouseSchema } = dependencies;
  const dataset = DATASETS[input.dataset];
  if (!dataset) {
    throw new InvalidEvent(
      `There is no dataset "${input.dataset}"; declared: ${Object.keys(DATASETS).join(', ')}.`,
    );
  }
  const read = async (key: string, versionId: string | null) => {
    const object = await s3.send(
      new GetObjectCommand({ Bucket: lakeBucket, Key: key, ...(versionId ? { VersionId: versionId } : {}) }),
    );
    return (await object.Body?.transformToString('utf-8')) ?? '';
  };
  const write = async (key: string, body: string | Uint8Array, type: string) => {
    await s3.send(new PutObjectCommand({ Bucket: lakeBucket, Key: key, Body: body, ContentType: type }));
    return { bucket: lakeBucket, key };
  };

  const manifest = parseJson(ManifestSchema, await read(input.manifest.key, null), 'manifest');
  const records = await inLanes(READS, manifest.entries, async (entry) =>
    recordOf(dataset, entry, await read(entry.key, entry.versionId)),
  );

  const parts = [...Map.groupBy(records, (record) => record.partition)].map(
    ([partition, members]): Part => ({
      key: `${LAKE.loaded}${dataset.name}/${partition}${input.loadId}.parquet`,
      rows: members.map((member) => member.row),
    }),
  );
  const written = await inLanes(READS, parts, async ({ key, rows }) => {
    const body = parquetOf(dataset, rows, input.loadId);
    await write(key, body, 'application/vnd.apache.parquet');
    return { key, rows: rows.length, bytes: body.byteLength };
  });

  const base = `${LAKE.manifests}${dataset.name}/${input.loadId}`;
  const files = await write(`${base}.files.json`, JSON.stringify(records.map(({ file }) => file)), JSON_TYPE);
  const copyManifest = {
    entries: written.map(({ key, bytes }) => ({
      url: uriOf({ bucket: lakeBucket, key }),
      mandatory: true,
      meta: { content_length: bytes },
    })),
  };
  const copy = await write(`${base}.copy.json`, JSON.stringify(copyManifest), JSON_TYPE);
  return {
    loadId: input.loadId,
    dataset: dataset.name,
    rows: records.length,
    files,
    parts: written,
    sqls: loadStatements({
      dataset,
      schema: warehouseSchema,
      loadId: input.loadId,
      rows: records.length,
      copyManifestUri: uriOf(copy),
    }),
  };
}

interface CuratedRecord {
  readonly partition: string;
  readonly row: Row;
  readonly file: LoadedFile;
}

const Identified = z.looseObject({ file_id: FileId, file_name: z.string() });

function recordOf(dataset: Dataset, entry: ManifestEntry, body: string): CuratedRecord {
  const record = parseJson(Identified, body, `record ${entry.key}`);
  const row = rowOf(dataset, record, entry.key);
  const instant = row[dataset.columns.findIndex((column) => column.name === dataset.partitionBy)];
  if (!(instant instanceof Date)) {
    throw new InvalidRecord(
      `${entry.key}: ${dataset.partitionBy} is missing, and it partitions ${dataset.name}.`,
    );
  }
  return {
    partition: partitionOf(instant),
    row,
    file: { fileId: record.file_id, fileName: record.file_name },
  };
}
