import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { WrongUsage } from './options.ts';

/** Not input: what the samples folder says about itself. */
const ABOUT_SAMPLES = new Set(['expected.json', 'README.md']);

export interface InputFile {
  readonly path: string;
  /** Path below the input folder, its parts parted by slashes. */
  readonly name: string;
}

const DOCUMENTS = 'documents/';

/**
 * Files of a folder and its folders, in order.
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
    .map((name) => ({ path: join(directory, name), name: name.split(sep).join('/') }));
  if (files.length === 0) throw new WrongUsage(`--input: ${directory} holds no file.`);
  return files;
}

/**
 * Key of an input file in the landing bucket: what lies in a folder that is called like a dataset of tabular files goes
 * there, and everything else is a document.
 * @param prefixes those that start a pipeline, for example `sales/`
 */
export function keyOf(name: string, prefixes: readonly string[]): string {
  return prefixes.some((prefix) => prefix !== DOCUMENTS && name.startsWith(prefix))
    ? name
    : `${DOCUMENTS}${name}`;
}

/** `sha256(bucket | key | versionId)` in hex: the file id of the audit table. */
export function fileIdOf(bucket: string, key: string, versionId: string): string {
  return createHash('sha256').update(`${bucket}|${key}|${versionId}`).digest('hex');
}
