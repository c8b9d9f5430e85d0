import { MAX_RECORD_BYTES } from './types.ts';

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;

/** Who is told of records; `start` and `end` are places in `window`, the line end left out. */
export interface RecordSink {
  record(window: Buffer, start: number, end: number, line: number, quoted: boolean): void;
  /** `start` as for records. @param why a sentence without any value */
  broken(window: Buffer, start: number, line: number, why: string): void;
}

export interface Dialect {
  readonly lineEnd: 'lf' | 'cr';
  /** With a delimiter, quotes are honoured; without one, every line is a record. */
  readonly delimiter?: string | undefined;
}

/**
 * Cuts the bytes of CSV or JSON Lines into records, whatever the chunks in which they come.
 *
 * Quoting is that of RFC 4180: a quoted field begins and ends with a quote, and doubles those within. Where quoting is
 * broken, or a record would be longer than `MAX_RECORD_BYTES`, the line on which it began is a broken record and reading
 * goes on with the next line: one lost quote costs a line and not the rest of the file. Lines without a character are no
 * records. Everything but the place within the file depends on the bytes from a record's beginning alone, so that reading
 * can begin at any record.
 */
export class RecordScanner {
  readonly #sink: RecordSink;
  readonly #lineEnd: number;
  /** −1 where there are no quotes. */
  readonly #delimiter: number;
  #line: number;
  #rest: Buffer = Buffer.alloc(0);
  #skipping = false;
  /** Bytes before the window. */
  #base = 0;
  /** What `#scanQuoted` found: where the record's text ends, and its line end; or where it is wrong. */
  #textEnd = 0;
  #stoppedAt = 0;

  constructor(sink: RecordSink, dialect: Dialect, firstLine = 1) {
    this.#sink = sink;
    this.#lineEnd = dialect.lineEnd === 'lf' ? LF : CR;
    this.#delimiter = dialect.delimiter?.charCodeAt(0) ?? -1;
    this.#line = firstLine;
  }

  /** Place in the input of the first byte of the window that the sink sees. */
  get base(): number {
    return this.#base;
  }

  /**
   * @param block the first one holds a byte order mark whole
   * @param last whether nothing comes after it
   */
  push(block: Buffer, last: boolean): void {
    const window = this.#rest.length > 0 ? Buffer.concat([this.#rest, block]) : block;
    let position = this.#base === 0 && this.#line === 1 ? markLength(window) : 0;
    let nextQuote = this.#delimiter < 0 ? window.length : -1;
    while (position < window.length) {
      const lineEnd = window.indexOf(this.#lineEnd, position);
      if (this.#skipping) {
        if (lineEnd < 0) {
          position = window.length;
          break;
        }
        position = this.#afterLine(lineEnd);
        continue;
      }
      if (nextQuote < position) nextQuote = orEnd(window.indexOf(QUOTE, position), window);
      const lineStop = lineEnd < 0 ? window.length : lineEnd;
      const quoted = nextQuote < lineStop;
      const found = quoted
        ? this.#scanQuoted(window, position, last)
        : this.#scanLine(window, position, lineEnd, last);
      const tooLong = this.#stoppedAt - position > MAX_RECORD_BYTES;
      if (found === 'more' && !tooLong) break;
      const why = tooLong ? TOO_LONG : TROUBLE[found];
      if (why) {
        this.#sink.broken(window, position, this.#line, why);
        this.#skipping = true;
        position = lineStop === lineEnd ? this.#afterLine(lineEnd) : window.length;
        continue;
      }
      if (this.#textEnd > position) {
        this.#sink.record(window, position, this.#textEnd, this.#line, quoted);
      }
      if (this.#textEnd > lineStop) this.#line += count(window, this.#lineEnd, lineStop, this.#textEnd);
      position = this.#stoppedAt < window.length ? this.#afterLine(this.#stoppedAt) : window.length;
    }
    this.#base += position;
    this.#rest = window.subarray(position);
  }

  #afterLine(lineEnd: number): number {
    this.#line++;
    this.#skipping = false;
    return lineEnd + 1;
  }

  #scanLine(window: Buffer, start: number, lineEnd: number, last: boolean): Found {
    this.#stoppedAt = lineEnd < 0 ? window.length : lineEnd;
    this.#textEnd = this.#stoppedAt;
    // Of a line that ends in CR LF, the CR is no part of the text.
    if (this.#lineEnd === LF && this.#textEnd > start && window[this.#textEnd - 1] === CR) this.#textEnd--;
    return lineEnd < 0 && !last ? 'more' : 'record';
  }

  /** From a record's beginning to its line end. `#stoppedAt` is the last byte that had to be seen to tell. */
  #scanQuoted(window: Buffer, start: number, last: boolean): Found {
    const end = window.length;
    const delimiter = this.#delimiter;
    const lineEnd = this.#lineEnd;
    const stop = <T>(at: number, what: T, textEnd = at): T => {
      this.#stoppedAt = at;
      this.#textEnd = textEnd;
      return what;
    };
    let at = start;
    for (;;) {
      if (window[at] === QUOTE) {
        at++;
        for (;;) {
          while (at < end && window[at] !== QUOTE) at++;
          if (at + 1 >= end && !last) return stop(end, 'more');
          if (at >= end) return stop(end, 'unclosed');
          if (window[at + 1] !== QUOTE) break;
          at += 2;
        }
        at++;
        if (window[at] === CR && lineEnd === LF) {
          if (at + 1 >= end) return stop(end, last ? 'record' : 'more', at);
          return window[at + 1] === LF ? stop(at + 1, 'record', at) : stop(at + 1, 'afterQuote');
        }
      } else {
        while (at < end && window[at] !== delimiter && window[at] !== lineEnd && window[at] !== QUOTE) at++;
      }
      const byte = window[at];
      if (at >= end || byte === lineEnd) {
        const carriage = lineEnd === LF && at > start && window[at - 1] === CR;
        return stop(at, at < end || last ? 'record' : 'more', carriage ? at - 1 : at);
      }
      if (byte !== delimiter) return stop(at, byte === QUOTE ? 'strayQuote' : 'afterQuote');
      at++;
    }
  }
}

const TOO_LONG = `The record is longer than ${MAX_RECORD_BYTES} bytes.`;

type Found = 'record' | 'more' | 'unclosed' | 'strayQuote' | 'afterQuote';

const TROUBLE: Readonly<Record<Found, string | undefined>> = {
  record: undefined,
  more: undefined,
  unclosed: 'A quote is opened and never closed.',
  strayQuote: 'A quote is within a field that does not begin with one.',
  afterQuote: 'Something follows the closing quote of a field.',
};

/** Bytes of a byte order mark of UTF-8. */
export function markLength(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

function orEnd(index: number, window: Buffer): number {
  return index < 0 ? window.length : index;
}

function count(window: Buffer, byte: number, from: number, to: number): number {
  let found = 0;
  for (let i = from; i < to; i++) if (window[i] === byte) found++;
  return found;
}
