import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import type { Dataset } from '../../datasets/dataset.ts';
import { DATASETS } from '../../datasets/index.ts';
import { LAKE } from '../shared/contract.ts';
import { parquetOf } from '../shared/dataset/parquet.ts';
import { InvalidEvent } from '../shared/errors.ts';
import { inLanes } from '../shared/lanes.ts';
import { JSON_TYPE, uriOf } from '../shared/objects.ts';
import { parseJson } from '../shared/parse.ts';
import { FileId } from '../shared/schemas.ts';
import type { CompactedLoad, LoadInput, Manifest } from './contract.ts';
import type { FileSet, Loader } from './loader.ts';
import { type LoadLake, PARQUET_TYPE } from './parts.ts';
import { publishedParts } from './published.ts';
import { recordParts } from './records.ts';
import { FILE_COLUMNS } from './sql-schema.ts';

export interface CompactDependencies {
  readonly s3: Pick<S3Client, 'send'>;
  readonly lakeBucket: string;
  readonly loader: Loader;
}

const ManifestSchema: z.ZodMiniType<Manifest> = z.object({
  loadId: FileId,
  dataset: z.string(),
  entries: z.array(
    z.object({ key: z.string(), versionId: z.nullable(z.string()), eTag: z.string(), size: z.number() }),
  ),
});

/** How the objects of a manifest become Parquet files, by the dataset's origin. */
const GATHER = { records: recordParts, landing: publishedParts, crm: publishedParts, job: publishedParts };

/**
 * Gathers the Parquet files of a manifest: of publications those that are there, of records one for each partition,
 * which it writes. It writes the list of the files and manifests for COPY as well. Everything is named by the load, so that
 * writing it again replaces it with the same.
 * @throws InvalidRecord when a record or a publication does not fit the dataset
 */
export async function compact(input: LoadInput, dependencies: CompactDependencies): Promise<CompactedLoad> {
  const { s3, lakeBucket, loader } = dependencies;
  const { loadId } = input;
  const dataset = datasetNamed(input.dataset);
  const lake = lakeOf(s3, lakeBucket);
  const text = new TextDecoder().decode((await lake.read(input.manifest.key)).body);
  const { entries } = parseJson(ManifestSchema, text, 'manifest');
  const { parts, sources, isMixed } = await GATHER[dataset.origin]({ dataset, loadId, entries, lake });

  const base = `${LAKE.manifests}${dataset.name}/${loadId}`;
  const put = async (name: string, body: string | Uint8Array, type: string) => {
    await lake.write(`${base}.${name}`, body, type);
    return { bucket: lakeBucket, key: `${base}.${name}` };
  };
  const files = await put(
    'files.json',
    JSON.stringify(sources.map(({ fileId, fileName }) => ({ fileId, fileName }))),
    JSON_TYPE,
  );
  const list = await put(
    'files.parquet',
    parquetOf(
      FILE_COLUMNS,
      sources.map(({ fileId, fileName, landedAt, rows }) => [fileId, fileName, landedAt, BigInt(rows)]),
    ),
    PARQUET_TYPE,
  );
  const sets = [...Map.groupBy(parts, ({ columns }) => columns.join())].map(([, members]) => members);
  const fileSets = await inLanes(1, sets, async (members): Promise<FileSet> => {
    const [{ columns } = { columns: [] }] = members;
    const copied = members.map(({ key, bytes }) => ({
      url: uriOf({ bucket: lakeBucket, key }),
      mandatory: true,
      meta: { content_length: bytes },
    }));
    const name = `copy-${columns.length}.json`;
    return { columns, manifestUri: uriOf(await put(name, JSON.stringify({ entries: copied }), JSON_TYPE)) };
  });
  const rows = sources.reduce((sum, source) => sum + source.rows, 0);
  return {
    loadId,
    dataset: dataset.name,
    rows,
    files,
    parts: parts.length,
    ...loader.plan({ dataset, loadId, sets: fileSets, rows, filesUri: uriOf(list), isMixed }),
  };
}

/** @throws InvalidEvent when there is none of the name */
export function datasetNamed(name: string): Dataset {
  const dataset = DATASETS[name];
  if (dataset) return dataset;
  throw new InvalidEvent(`There is no dataset "${name}"; declared: ${Object.keys(DATASETS).join(', ')}.`);
}

function lakeOf(s3: Pick<S3Client, 'send'>, Bucket: string): LoadLake {
  return {
    async read(Key, { versionId, last } = {}) {
      const object = await s3.send(
        new GetObjectCommand({
          Bucket,
          Key,
          ...(versionId && { VersionId: versionId }),
          ...(last !== undefined && { Range: `bytes=-${last}` }),
        }),
      );
      const body = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
      return {
        body,
        // `bytes 0-9/20`
        size: Number(object.ContentRange?.split('/')[1] ?? body.byteLength),
        writtenAt: object.LastModified ?? new Date(0),
      };
    },
    async write(Key, body, ContentType) {
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: body, ContentType }));
    },
  };
}
