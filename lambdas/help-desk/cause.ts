/** Longest normalised cause, characters. */
const MAX_CAUSE = 200;

/** What differs between two failures of one cause, and what is left of it. The order counts. */
const VARIABLE: readonly (readonly [RegExp, string])[] = [
  [/\barn:aws[\w-]*:[^\s,;"'()\]]+/g, '<arn>'],
  [/\bs3:\/\/[^\s,;"'()\]]+/g, '<object>'],
  [/\bhttps?:\/\/[^\s,;"'()\]]+/g, '<address>'],
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '<id>'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?/g, '<time>'],
  [/\b\d{4}-\d\d-\d\d\b/g, '<day>'],
  // Keys of objects: what has a slash, and names of files.
  [/[\p{L}\p{N}_.=~+%-]*\/[^\s,;"'()\]]*/gu, '<object>'],
  [/[^\s,;"'()\]/]+\.(txt|png|jpe?g|pdf|tiff?|json|jsonl|csv|parquet)\b/gi, '<object>'],
  [/\b(Request ?ID|Extended Request ID|Reference)(:|=)? ?[\w+/=-]+/gi, '$1 <id>'],
  // Ids of every kind: long words with digits in them.
  [/\b(?=[\w-]*\d)[\w-]{16,}\b/g, '<id>'],
  [/\d+([.,]\d+)*/g, '<n>'],
];

/**
 * What two failures for the same reason have in common: their message without ids, numbers, times and names of things.
 * It names no file and so may leave the account.
 */
export function causeOf(message: string): string {
  const common = VARIABLE.reduce((text, [pattern, word]) => text.replace(pattern, word), message);
  const line = common.replace(/\s+/g, ' ').trim();
  return line.length <= MAX_CAUSE ? line : `${line.slice(0, MAX_CAUSE - 1)}…`;
}
