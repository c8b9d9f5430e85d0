import type { SourceFormat } from '../../../datasets/dataset.ts';
import { isObject, parse } from './json-row.ts';
import { JsonScanner } from './json-scanner.ts';
import type { Detected } from './types.ts';

/** Lines that are looked at. */
const LINES = 50;

/**
 * Whether the head of a file is JSON or JSON Lines, and the names that its whole records have; undefined when it is
 * neither.
 *
 * @param text the head read as UTF-8
 * @throws UnreadableFile when it is JSON, and damaged in its head
 */
export function jsonHead(
  head: Buffer,
  text: string,
  whole: boolean,
  lineEnd: Detected['lineEnd'],
  extension: SourceFormat | undefined,
): { readonly format: 'json' | 'jsonl'; readonly header: readonly string[] } | undefined {
  const lines = text.split(lineEnd === 'lf' ? '\n' : '\r');
  if (!whole) lines.pop();
  const filled = lines.filter((line) => line.trim() !== '').slice(0, LINES);
  const objects = filled.map(parse).filter(isObject);
  const start = text.trimStart();
  const isLines = objects.length > filled.length / 2 && !holdsList(objects, filled.length, extension);
  if (isLines || (start.startsWith('{') && extension === 'jsonl')) {
    return { format: 'jsonl', header: namesOf(objects) };
  }
  if (
    start.startsWith('{') ||
    /^\[\s*[[\]{]/.test(start) ||
    (start.startsWith('[') && extension === 'json')
  ) {
    return { format: 'json', header: namesOf(elementsOf(head, whole)) };
  }
  return undefined;
}

/** Whether the one line is an object with one list of objects, and so a document and no record. */
function holdsList(
  objects: readonly Record<string, unknown>[],
  lines: number,
  extension: SourceFormat | undefined,
): boolean {
  const [object] = objects;
  if (lines !== 1 || !object || extension === 'jsonl') return false;
  const [list, ...others] = Object.values(object).filter((value) => Array.isArray(value));
  return list !== undefined && others.length === 0 && list.every(isObject);
}

function elementsOf(head: Buffer, whole: boolean): Record<string, unknown>[] {
  const objects: Record<string, unknown>[] = [];
  const scanner = new JsonScanner({
    element(window, start, end) {
      const value = objects.length < LINES ? parse(window.toString('utf8', start, end)) : undefined;
      if (isObject(value)) objects.push(value);
    },
    tooLong: () => undefined,
  });
  scanner.push(head, whole);
  return objects;
}

function namesOf(objects: readonly Record<string, unknown>[]): string[] {
  return [...new Set(objects.flatMap(Object.keys))];
}
