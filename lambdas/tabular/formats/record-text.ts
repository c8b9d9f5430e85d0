import { isAscii, isUtf8 } from 'node:buffer';
import type { TextEncoding } from './types.ts';

/** Windows-1252 from 0x80 to 0x9f; five of its bytes mean nothing. Elsewhere it is Latin-1. */
const WINDOWS_1252 = '€\0‚ƒ„…†‡ˆ‰Š‹Œ\0Ž\0\0‘’“”•–—˜™š›œ\0žŸ';
const C1 = /[\x80-\x9f]/g;

/** Why bytes are no text. */
export const NO_TEXT = {
  nul: 'The record has zero bytes.',
  utf8: 'The record is not valid UTF-8.',
  windows1252: 'The record has bytes that mean nothing in Windows-1252.',
} as const;

export type NoText = { readonly why: (typeof NO_TEXT)[keyof typeof NO_TEXT] };

/** Texts of records that lie in the same window one after another; what holds for a whole window is looked up once. */
export class RecordText {
  readonly #encoding: TextEncoding;
  #window: Buffer | undefined;
  #ascii = false;
  #zeros = false;

  constructor(encoding: TextEncoding) {
    this.#encoding = encoding;
  }

  of(window: Buffer, start: number, end: number): string | NoText {
    if (window !== this.#window) {
      this.#window = window;
      this.#ascii = isAscii(window);
      this.#zeros = window.includes(0);
    }
    const text = this.#decode(window, start, end);
    return this.#zeros && typeof text === 'string' && text.includes('\0') ? { why: NO_TEXT.nul } : text;
  }

  #decode(window: Buffer, start: number, end: number): string | NoText {
    if (this.#ascii) return window.toString('latin1', start, end);
    if (this.#encoding === 'latin-1') return windows1252(window, start, end);
    const text = window.toString('utf8', start, end);
    // A replacement character may be one of the file's own.
    if (!text.includes('\ufffd') || isUtf8(window.subarray(start, end))) return text;
    return this.#encoding === 'ascii' ? windows1252(window, start, end) : { why: NO_TEXT.utf8 };
  }
}

function windows1252(window: Buffer, start: number, end: number): string | NoText {
  let undefinedByte = false;
  const text = window.toString('latin1', start, end).replace(C1, (character) => {
    const meant = WINDOWS_1252[character.charCodeAt(0) - 0x80] ?? '\0';
    if (meant === '\0') undefinedByte = true;
    return meant;
  });
  return undefinedByte ? { why: NO_TEXT.windows1252 } : text;
}
