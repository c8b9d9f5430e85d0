/** Objects of PDF (ISO 32000-1, 7.3). Names keep their slash; strings are not looked at. */
export type PdfValue =
  | null
  | boolean
  | number
  | string
  | Ref
  | PdfString
  | readonly PdfValue[]
  | PdfDictionary;
export type PdfDictionary = ReadonlyMap<string, PdfValue>;

/** Stands for any string: no string matters to the structure. */
export const STRING = { isString: true } as const;
export type PdfString = typeof STRING;

/** An indirect reference. */
export class Ref {
  readonly number: number;
  constructor(number: number) {
    this.number = number;
  }
}

export const isDictionary = (value: PdfValue | undefined): value is PdfDictionary => value instanceof Map;
export const isList = (value: PdfValue | undefined): value is readonly PdfValue[] => Array.isArray(value);

/** The bytes are no PDF object. */
export class BrokenSyntax extends Error {
  override readonly name = 'BrokenSyntax';
}

/** The bytes end before the object does: more of the file is needed. */
export class OutOfBytes extends Error {
  override readonly name = 'OutOfBytes';
}

/** Deeper nesting is an attack, not a document. */
const MAX_DEPTH = 64;

const WHITE = new Set([0, 9, 10, 12, 13, 32]);
const DELIMITERS = new Set([...'()<>[]{}/%'].map((character) => character.charCodeAt(0)));
const isRegular = (byte: number) => !WHITE.has(byte) && !DELIMITERS.has(byte);

const [OPEN, CLOSE, LESS, GREATER, BRACKET, BRACKET_END, SLASH, PERCENT, BACKSLASH] = [...'()<>[]/%\\'].map(
  (character) => character.charCodeAt(0),
);

/** Reads objects from bytes, one after another. */
export class PdfParser {
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** @throws BrokenSyntax and OutOfBytes */
  value(depth = 0): PdfValue {
    if (depth > MAX_DEPTH) throw new BrokenSyntax('objects are nested too deeply');
    this.skipWhite();
    const byte = this.#byte();
    if (byte === SLASH) return this.#name();
    if (byte === OPEN) return this.#string();
    if (byte === BRACKET) return this.#array(depth);
    if (byte === LESS) return this.#bytes[this.at + 1] === LESS ? this.#dictionary(depth) : this.#hexString();
    return this.#keywordOrNumber();
  }

  /** The word at this place, for `obj`, `stream`, `xref` and the like. */
  word(): string {
    this.skipWhite();
    const start = this.at;
    while (isRegular(this.#byte())) this.at++;
    return this.#bytes.toString('latin1', start, this.at);
  }

  /** Whether the word comes next; moves on when it does. */
  takes(word: string): boolean {
    const before = this.at;
    if (this.word() === word) return true;
    this.at = before;
    return false;
  }

  skipWhite(): void {
    for (;;) {
      const byte = this.#byte();
      if (byte === PERCENT) while (this.#byte() !== 10 && this.#byte() !== 13) this.at++;
      else if (!WHITE.has(byte)) return;
      else this.at++;
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new OutOfBytes('the bytes end within an object');
    return byte;
  }

  #name(): string {
    const start = this.at++;
    while (isRegular(this.#byte())) this.at++;
    const name = this.#bytes.toString('latin1', start, this.at);
    return name.replace(/#([0-9a-fA-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }

  #string(): PdfString {
    let open = 0;
    do {
      const byte = this.#byte();
      if (byte === BACKSLASH) this.at++;
      else if (byte === OPEN) open++;
      else if (byte === CLOSE) open--;
      this.at++;
    } while (open > 0);
    return STRING;
  }

  #hexString(): PdfString {
    while (this.#byte() !== GREATER) this.at++;
    this.at++;
    return STRING;
  }

  #array(depth: number): PdfValue[] {
    this.at++;
    const items: PdfValue[] = [];
    for (;;) {
      this.skipWhite();
      if (this.#byte() === BRACKET_END) break;
      items.push(this.value(depth + 1));
    }
    this.at++;
    return items;
  }

  #dictionary(depth: number): PdfDictionary {
    this.at += 2;
    const members = new Map<string, PdfValue>();
    for (;;) {
      this.skipWhite();
      if (this.#byte() === GREATER) break;
      const name = this.value(depth + 1);
      if (typeof name !== 'string') throw new BrokenSyntax('a dictionary has a member without a name');
      members.set(name, this.value(depth + 1));
    }
    this.at += 2;
    return members;
  }

  #keywordOrNumber(): PdfValue {
    const word = this.word();
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null') return null;
    if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(word)) throw new BrokenSyntax('a value is neither number nor word');
    return /^\d+$/.test(word) ? this.#numberOrReference(Number(word)) : Number(word);
  }

  /** `12` is a number, `12 0 R` a reference. */
  #numberOrReference(number: number): number | Ref {
    const before = this.at;
    const rest = /^\s+\d{1,5}\s+R(?![^\s()<>[\]{}/%])/.exec(
      this.#bytes.toString('latin1', before, before + 24),
    );
    if (!rest) {
      // A reference may be cut off here; numbers at the end of the bytes are read again with more of them.
      if (before + 24 > this.#bytes.length) this.#mayBeCutOff(before);
      return number;
    }
    this.at = before + rest[0].length;
    return new Ref(number);
  }

  #mayBeCutOff(before: number): void {
    if (/^\s+\d{0,5}\s*$/.test(this.#bytes.toString('latin1', before)))
      throw new OutOfBytes('the bytes end within an object');
  }
}
