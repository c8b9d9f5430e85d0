/** Bytes of a text in UTF-8. */
export function utf8Bytes(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/** The longest beginning of a text of at most `maxBytes` in UTF-8, cut between code points. */
export function cutBytes(text: string, maxBytes: number): string {
  // No code unit of UTF-16 takes less than one byte, so nothing beyond this can fit.
  const candidate = text.slice(0, maxBytes);
  if (utf8Bytes(candidate) <= maxBytes) return text.length <= maxBytes ? text : dropHalfPair(candidate);
  const bytes = Buffer.from(candidate, 'utf8');
  let end = maxBytes;
  // 10xxxxxx continues a code point.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/** A beginning that ends in the middle of a surrogate pair, without the half. */
function dropHalfPair(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}
