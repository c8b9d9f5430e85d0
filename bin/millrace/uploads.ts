import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, statSync } from 'node:fs';
import { basename, join, sep } from 'node:path';
import { Upload } from '@aws-sdk/lib-storage';
import { TABULAR } from '../../datasets/index.ts';
import type { Deployment } from './deployment.ts';
import { WrongUsage } from './errors.ts';

/** Objects below it start a pipeline. */
export const INTAKE_PREFIX = 'documents/';
/** Every prefix of the landing bucket whose objects start a pipeline. */
export const PREFIXES: readonly string[] = [INTAKE_PREFIX, ...TABULAR.map(({ name }) => `${name}/`)];

/** A file of this machine and the key that it gets in the landing bucket. */
export interface LocalFile {
  readonly path: string;
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

/** A version of an object in the landing bucket. */
export interface Landed extends LocalFile {
  /** `sha256(bucket | key | versionId)`: what everything done with it is named by. */
  readonly fileId: string;
}

/**
 * The files that are named, and those in the folders that are named, with their folders.
 * @throws WrongUsage when one does not exist, two would have the same key, or there is none
 */
export function localFiles(paths: readonly string[], prefix: string): LocalFile[] {
  const files = paths.flatMap((path): LocalFile[] => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) throw new WrongUsage(`There is no file ${path}.`);
    if (!found.isDirectory()) return [{ path, key: `${prefix}${basename(path)}`, size: found.size }];
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .sort()
      .flatMap((name) => {
        const inside = join(path, name);
        // Links that lead nowhere, sockets and the like are no files.
        const about = statSync(inside, { throwIfNoEntry: false });
        if (!about?.isFile() || lstatSync(inside).isSocket()) return [];
        return [{ path: inside, key: `${prefix}${name.split(sep).join('/')}`, size: about.size }];
      });
  });
  if (files.length === 0) throw new WrongUsage(`There is no file in ${paths.join(', ')}.`);
  const seen = new Map<string, string>();
  for (const { path, key } of files) {
    const other = seen.get(key);
    if (other)
      throw new WrongUsage(`${other} and ${path} would both be ${key}. Drop them one after the other.`);
    seen.set(key, path);
  }
  return files;
}

/** Uploads a file, a large one in parts. */
export async function upload(
  { s3 }: Deployment,
  Bucket: string,
  file: LocalFile,
  signal: AbortSignal,
): Promise<Landed> {
  const uploading = new Upload({
    client: s3,
    params: { Bucket, Key: file.key, Body: createReadStream(file.path) },
  });
  const abort = () => void uploading.abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const { VersionId = 'null' } = await uploading.done();
    const fileId = createHash('sha256').update(`${Bucket}|${file.key}|${VersionId}`).digest('hex');
    return { ...file, fileId };
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
