/** Personal data that was found, by offsets in code points as Comprehend counts them. */
export interface Found {
  readonly type: string;
  readonly begin: number;
  readonly end: number;
}

/**
 * Replaces what was found by marks like `[EMAIL]`; what overlaps becomes one mark of the first's type. Offsets beyond
 * the text are cut to it.
 */
export function redact(text: string, found: readonly Found[]): string {
  if (found.length === 0) return text;
  const characters = Array.from(text);
  const inOrder = [...found].sort((a, b) => a.begin - b.begin || b.end - a.end);
  const parts: string[] = [];
  let at = 0;
  for (const { type, begin, end } of inOrder) {
    if (end <= at || end <= begin) continue;
    if (begin >= at) parts.push(characters.slice(at, begin).join(''), `[${type}]`);
    at = end;
  }
  parts.push(characters.slice(at).join(''));
  return parts.join('');
}
