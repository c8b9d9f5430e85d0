import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { WrongUsage } from './options.ts';

/** Not input: what the samples folder says about itself. */
const ABOUT_SAMPLES = new Set(['expected.json', 'README.md']);

export interface InputFile {
  readonly path: string;
  /** Key in the landing bucket. */
  readonly key: string;
}

/**
 * Files of a folder and its folders, as keys under `documents/`.
 * @throws WrongUsage when there is no such folder or it holds no file
 */
export function inputFiles(directory: string, options: { samples: boolean }): InputFile[] {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new WrongUsage(`--input: ${directory} is not a folder.`);
  }
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    // Links that lead nowhere, sockets and the like are no files.
    .filter((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.isFile())
    .filter((name) => !(options.samples && ABOUT_SAMPLES.has(name)))
    .sort()
    .map((name) => ({ path: join(directory, name), key: `documents/${name.split(sep).join('/')}` }));
  if (files.length === 0) throw new WrongUsage(`--input: ${directory} holds no file.`);
  return files;
}

/** `sha256(bucket | key | versionId)` in hex: the file id of the audit table. */
export function fileIdOf(bucket: string, key: string, versionId: string): string {
  return createHash('sha256').update(`${bucket}|${key}|${versionId}`).digest('hex');
}
