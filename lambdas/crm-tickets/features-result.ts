import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { customerFeatures } from '../../datasets/customer-features.ts';
import { parquetColumns, partitionOf } from '../../datasets/dataset.ts';
import { PartsWriter } from '../shared/dataset/parts-writer.ts';
import { rowValidator } from '../shared/dataset/validate.ts';
import { manifestOf, publishedEntry, writeManifest } from '../shared/load-manifest.ts';
import { JSON_TYPE, type Objects } from '../shared/objects.ts';
import { type Publication, publicationKey } from '../shared/publication.ts';
import { FEATURES_WORK, type PublishedFeatures } from './contract.ts';
import { WrongFeatures } from './errors.ts';
import { outputPrefix } from './features.ts';
import type { LakeFiles } from './features-input.ts';

/** Memory that rows take before they become a part, bytes. */
const MAX_BUFFERED_BYTES = 64 * 1024 ** 2;
/** What Spark writes when everything else of a folder is there. */
const MARKER = '_SUCCESS';

/** Reads and writes the bytes of Parquet files. */
export interface ParquetFiles {
  read(key: string): Promise<ArrayBuffer>;
  write(key: string, bytes: Uint8Array): Promise<void>;
}

export function parquetFiles(s3: S3Client, bucket: string): ParquetFiles {
  return {
    async read(key) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
      return new Uint8Array(bytes).buffer;
    },
    async write(key, bytes) {
      const ContentType = 'application/vnd.apache.parquet';
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentType }));
    },
  };
}

export interface PublishDependencies {
  readonly lake: Pick<LakeFiles, 'list'>;
  readonly files: ParquetFiles;
  readonly objects: Pick<Objects, 'write'>;
  readonly lakeBucket: string;
}

/**
 * Checks what the job has written, row by row, and publishes it: parts, publication, and the manifest of its load.
 * @throws WrongFeatures saying what is wrong, never what a row holds
 */
export async function publishFeatures(
  { runId, at }: { readonly runId: string; readonly at: string },
  dependencies: PublishDependencies,
): Promise<PublishedFeatures> {
  const { files, objects, lakeBucket } = dependencies;
  const sourceFile = `${FEATURES_WORK}${runId}/input.json`;
  const writer = new PartsWriter({
    dataset: customerFeatures,
    fileId: runId,
    sourceFile,
    landedAt: new Date(at),
    write: (key, bytes) => files.write(key, bytes),
    maxBufferedBytes: MAX_BUFFERED_BYTES,
  });
  const { check } = rowValidator(customerFeatures);
  let line = 0;
  for (const key of await resultFiles(runId, dependencies.lake)) {
    for (const fields of await rowsOf(key, await files.read(key))) {
      line++;
      // The query counts its rows: a file that is missing, or of another run, shows in the count.
      if (fields.line !== BigInt(line) || fields.file_id !== runId)
        throw new WrongFeatures(`${key}: row ${line} of the result is not there, or of another run.`);
      const checked = check(fields);
      if ('problems' in checked) {
        const problems = checked.problems.map(({ column, message }) => `${column ?? 'row'}: ${message}`);
        throw new WrongFeatures(`${key}, line ${line}: ${problems.join(' ')}`);
      }
      await writer.add(checked.row, line);
    }
  }
  const publication: Publication = {
    dataset: customerFeatures.name,
    fileId: runId,
    sourceFile,
    landedAt: at,
    rows: line,
    parts: await writer.finish(),
  };
  const body = JSON.stringify(publication);
  const key = publicationKey('job', customerFeatures.name, partitionOf(new Date(at)), runId);
  const record = { bucket: lakeBucket, key };
  await objects.write(record, body, JSON_TYPE);
  const manifest = manifestOf(customerFeatures.name, [publishedEntry(key, body)]);
  const load = line > 0 ? await writeManifest(objects, lakeBucket, manifest) : null;
  return { rows: line, record, load };
}

/** Parquet files of the result in the order of their rows, which is that of their names. */
async function resultFiles(runId: string, lake: Pick<LakeFiles, 'list'>): Promise<string[]> {
  const prefix = outputPrefix(runId);
  const keys: string[] = [];
  for await (const { key } of lake.list(prefix)) keys.push(key);
  if (!keys.includes(`${prefix}${MARKER}`))
    throw new WrongFeatures(`${prefix} has no ${MARKER}: the job has not finished it.`);
  return keys.filter((key) => key.endsWith('.parquet')).sort();
}

/** @throws WrongFeatures where the columns are not those of the dataset, in their order */
async function rowsOf(key: string, file: ArrayBuffer): Promise<Record<string, unknown>[]> {
  const metadata = parquetMetadata(file);
  const found = metadata.schema.slice(1).map(({ name }) => name);
  const expected = parquetColumns(customerFeatures).map(({ name }) => name);
  if (found.join() !== expected.join())
    throw new WrongFeatures(`${key} has the columns ${found.join(', ')}; expected ${expected.join(', ')}.`);
  return parquetReadObjects({ file, metadata });
}
