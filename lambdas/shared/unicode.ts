/** Bytes of a text in UTF-8. */
export function utf8Bytes(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/** The longest beginning of a text of at most `maxBytes` in UTF-8, cut between code points. */
export function cutBytes(text: string, maxBytes: number): string {
  if (utf8Bytes(text) <= maxBytes) return text;
  // No code unit of UTF-16 takes less than one byte, so nothing beyond this can fit.
  const bytes = Buffer.from(text.slice(0, maxBytes + 1), 'utf8');
  let end = maxBytes;
  // 10xxxxxx continues a code point.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/** The beginning of a text, with an ellipsis where something was left out. @param most UTF-16 code units */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // Not between the halves of a character.
  return `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
