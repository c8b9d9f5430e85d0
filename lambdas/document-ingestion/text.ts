/** An encoding that text files arrive in. */
export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';

const BYTE_ORDER_MARKS: readonly { readonly mark: readonly number[]; readonly encoding: Encoding }[] = [
  { mark: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { mark: [0xff, 0xfe], encoding: 'utf-16le' },
  { mark: [0xfe, 0xff], encoding: 'utf-16be' },
];

/** Control characters that text may hold: backspace, tab, line feed, vertical tab, form feed, return, SUB, escape. */
const TEXT_CONTROLS = new Set([0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1a, 0x1b]);

/** Bytes that Windows-1252 leaves undefined. */
const UNDEFINED_IN_1252 = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

/**
 * Decodes bytes that are text, in UTF-8, UTF-16 (with a byte order mark, or recognised by its zero bytes) or
 * Windows-1252, of which Latin-1's printable characters are a part. Undefined when they are not text.
 */
export function decodeText(
  bytes: Buffer,
): { readonly text: string; readonly encoding: Encoding } | undefined {
  const marked = BYTE_ORDER_MARKS.find(({ mark }) => mark.every((byte, i) => bytes[i] === byte));
  const encoding = marked?.encoding ?? guess(bytes);
  if (!encoding) return undefined;
  const text = decode(bytes, encoding);
  return text === undefined || !isText(text) ? undefined : { text, encoding };
}

/** The encoding that bytes without a mark are probably in; undefined for binary data. */
function guess(bytes: Buffer): Encoding | undefined {
  const zeros = [0, 0];
  let controls = 0;
  let undefinedIn1252 = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
    else if (byte < 0x20 && !TEXT_CONTROLS.has(byte)) controls++;
    else if (UNDEFINED_IN_1252.has(byte)) undefinedIn1252 = true;
  }
  const [even = 0, odd = 0] = zeros;
  if (even + odd > 0) {
    // Most characters of UTF-16 text in European languages have a zero byte, always on the same side.
    const half = bytes.length / 2;
    if (bytes.length % 2 !== 0) return undefined;
    if (odd > half * 0.3 && even <= half * 0.02) return 'utf-16le';
    if (even > half * 0.3 && odd <= half * 0.02) return 'utf-16be';
    return undefined;
  }
  if (decode(bytes, 'utf-8') !== undefined) return 'utf-8';
  return controls === 0 && !undefinedIn1252 ? 'windows-1252' : undefined;
}

function decode(bytes: Buffer, encoding: Encoding): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Text has hardly any control characters; a few stray ones do not make it binary. */
function isText(text: string): boolean {
  let controls = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || (code < 0x20 && !TEXT_CONTROLS.has(code)) || code === 0x7f) controls++;
  }
  return controls <= text.length * 0.005;
}
