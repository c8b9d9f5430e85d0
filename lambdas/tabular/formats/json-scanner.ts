import { markLength } from './record-scanner.ts';
import { MAX_RECORD_BYTES, UnreadableFile } from './types.ts';

/** Who is told of the elements of the list; `start` and `end` are places in `window`. */
export interface ElementSink {
  element(window: Buffer, start: number, end: number): void;
  tooLong(): void;
}

/** Deepest nesting that is followed. */
const MAX_DEPTH = 256;

const EMPTY = Buffer.alloc(0);

const byte = (character: string) => character.charCodeAt(0);
const QUOTE = byte('"');
const BACKSLASH = byte('\\');
const COMMA = byte(',');
const COLON = byte(':');
const OPEN_LIST = byte('[');
const CLOSE_LIST = byte(']');
const OPEN_OBJECT = byte('{');
const CLOSE_OBJECT = byte('}');

/** Bytes of numbers, `true`, `false`, `null`, and what writers wrongly put there, as `NaN`. */
const SCALAR = bytesOf('0123456789+-.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ');
const SPACE = bytesOf(' \t\r\n');

/** What may come next. */
type Expected =
  | 'a value'
  | 'a value or ]'
  | 'a name'
  | 'a name or }'
  | 'a colon'
  | 'a comma or the end of the list'
  | 'a comma or the end of the object'
  | 'nothing';

/**
 * Finds the records of a JSON document, whatever the chunks in which it comes: the elements of the list that it is, or of
 * the one list that is a member of the object that it is. It follows JSON's structure to the letter and leaves the
 * contents of the elements to `JSON.parse`, so that what is wrong within one costs one record. A wrong structure costs
 * the file: after it, nothing tells where a record begins.
 */
export class JsonScanner {
  readonly #sink: ElementSink;
  #expected: Expected = 'a value';
  /** Whether each open container is a list. */
  readonly #open: boolean[] = [];
  #token: 'none' | 'string' | 'scalar' = 'none';
  #escaped = false;
  #isName = false;
  #lists = 0;
  /** Containers open around a record, once the list is open; 0 where there is none. */
  #level = 0;
  #elements = 0;
  #element: 'none' | 'kept' | 'too long' = 'none';
  /** Where the element begins in the window. */
  #start = 0;
  /** The element as far as it came in earlier blocks. */
  #rest: Buffer = EMPTY;
  #read = 0;

  constructor(sink: ElementSink) {
    this.#sink = sink;
  }

  /**
   * @param block the first one holds a byte order mark whole
   * @param last whether nothing comes after it
   * @throws UnreadableFile
   */
  push(block: Buffer, last: boolean): void {
    const begin = this.#rest.length;
    const window = begin > 0 ? Buffer.concat([this.#rest, block]) : block;
    this.#start = 0;
    this.#scan(window, this.#read === 0 ? markLength(window) : begin, begin);
    this.#read += block.length;
    if (window.length - this.#start > MAX_RECORD_BYTES && this.#element === 'kept')
      this.#element = 'too long';
    this.#rest = this.#element === 'kept' ? window.subarray(this.#start) : EMPTY;
    if (last) this.#finish();
  }

  #scan(window: Buffer, from: number, begin: number): void {
    const end = window.length;
    let at = from;
    while (at < end) {
      if (this.#token === 'string') {
        at = this.#string(window, at, end);
        continue;
      }
      const code = window[at] ?? 0;
      if (SCALAR[code]) {
        if (this.#token === 'none') {
          this.#beginValue(at, begin);
          this.#token = 'scalar';
        }
        at++;
        continue;
      }
      if (this.#token === 'scalar') {
        this.#token = 'none';
        this.#endValue(window, at);
      }
      if (!SPACE[code]) this.#structure(window, at, code, begin);
      at++;
    }
  }

  /** Reads on in a string; where it ends, or the window does. */
  #string(window: Buffer, from: number, end: number): number {
    let at = from;
    if (this.#escaped) {
      this.#escaped = false;
      at++;
    }
    while (at < end) {
      const code = window[at];
      if (code === QUOTE) {
        this.#token = 'none';
        if (this.#isName) this.#expected = 'a colon';
        else this.#endValue(window, at + 1);
        return at + 1;
      }
      if (code === BACKSLASH) {
        if (at + 1 >= end) this.#escaped = true;
        at++;
      }
      at++;
    }
    return end;
  }

  #structure(window: Buffer, at: number, code: number, begin: number): void {
    switch (code) {
      case QUOTE:
        this.#isName = this.#expected === 'a name' || this.#expected === 'a name or }';
        if (!this.#isName) this.#beginValue(at, begin);
        this.#token = 'string';
        return;
      case OPEN_LIST:
      case OPEN_OBJECT:
        this.#beginValue(at, begin);
        this.#openContainer(code === OPEN_LIST);
        return;
      case CLOSE_LIST:
        if (this.#expected !== 'a value or ]' && this.#expected !== 'a comma or the end of the list') break;
        this.#close(window, at);
        return;
      case CLOSE_OBJECT:
        if (this.#expected !== 'a name or }' && this.#expected !== 'a comma or the end of the object') break;
        this.#close(window, at);
        return;
      case COMMA:
        if (this.#expected === 'a comma or the end of the list') this.#expected = 'a value';
        else if (this.#expected === 'a comma or the end of the object') this.#expected = 'a name';
        else break;
        return;
      case COLON:
        if (this.#expected !== 'a colon') break;
        this.#expected = 'a value';
        return;
    }
    throw this.#damaged(at - begin);
  }

  #beginValue(at: number, begin: number): void {
    if (this.#expected !== 'a value' && this.#expected !== 'a value or ]') throw this.#damaged(at - begin);
    if (this.#level === 0 || this.#open.length !== this.#level) return;
    this.#element = 'kept';
    this.#start = at;
    this.#elements++;
  }

  #openContainer(isList: boolean): void {
    if (this.#open.length >= MAX_DEPTH) {
      throw new UnreadableFile(
        'CORRUPT_FILE',
        `The JSON is nested more than ${MAX_DEPTH} deep. Send a list of flat objects.`,
      );
    }
    this.#open.push(isList);
    this.#expected = isList ? 'a value or ]' : 'a name or }';
    const listOfRecords =
      isList && (this.#open.length === 1 || (this.#open.length === 2 && this.#open[0] === false));
    if (!listOfRecords) return;
    if (++this.#lists > 1) throw noList('more than one list');
    this.#level = this.#open.length;
  }

  #close(window: Buffer, at: number): void {
    if (this.#open.length === this.#level) this.#level = 0;
    this.#open.pop();
    this.#endValue(window, at + 1);
  }

  #endValue(window: Buffer, end: number): void {
    const list = this.#open.at(-1);
    this.#expected =
      list === undefined
        ? 'nothing'
        : list
          ? 'a comma or the end of the list'
          : 'a comma or the end of the object';
    if (this.#element === 'none' || this.#open.length !== this.#level) return;
    const tooLong = this.#element === 'too long' || end - this.#start > MAX_RECORD_BYTES;
    this.#element = 'none';
    if (tooLong) this.#sink.tooLong();
    else this.#sink.element(window, this.#start, end);
  }

  #finish(): void {
    if (this.#expected === 'a value' && this.#open.length === 0) throw noList('nothing');
    if (this.#token === 'scalar' && this.#open.length === 0) throw noList('a single value');
    if (this.#expected !== 'nothing' || this.#token !== 'none') {
      throw new UnreadableFile(
        'CORRUPT_FILE',
        `The JSON was cut off in or after record ${this.#elements}. Export it anew, and send it again.`,
      );
    }
    if (this.#lists === 0) throw noList('no list');
  }

  #damaged(offset: number): UnreadableFile {
    return new UnreadableFile(
      'CORRUPT_FILE',
      `The JSON is damaged at byte ${this.#read + offset}, in or after record ${this.#elements}: ${this.#expected} was expected. Mend it, or send JSON Lines, where damage costs a line.`,
    );
  }
}

function noList(what: string): UnreadableFile {
  return new UnreadableFile(
    'CORRUPT_FILE',
    `The JSON has ${what}, and a list of objects was expected, or one object with one list. Send it as such, or as JSON Lines.`,
  );
}

function bytesOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const code of Buffer.from(characters)) table[code] = 1;
  return table;
}
