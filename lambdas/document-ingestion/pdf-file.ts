import { inflateSync } from 'node:zlib';
import type { ByteSource } from './bytes.ts';
import { undoPredictor } from './pdf-predictor.ts';
import {
  BrokenSyntax,
  isDictionary,
  isList,
  OutOfBytes,
  type PdfDictionary,
  PdfParser,
  type PdfValue,
  Ref,
} from './pdf-syntax.ts';

/*
 * The structure of a PDF: cross-references, objects and the streams that hold objects (ISO 32000-1, 7.5). Nothing is
 * read that is not needed, and everything is bounded: a hostile file costs a refusal.
 */

const WINDOWS = [4_096, 65_536, 1_048_576, 8_388_608] as const;
const MAX_STREAM_BYTES = 16 * 1024 * 1024;
const MAX_DECODED_BYTES = 48 * 1024 * 1024;
/** Of all streams of a file together. */
const MAX_DECODED_IN_ALL = 512 * 1024 * 1024;
const MAX_SECTIONS = 4_096;
const MAX_SUBSECTIONS = 100_000;
const KEPT_OBJECT_STREAMS = 8;
const TABLE_ENTRY_BYTES = 20;

/** Where an object is: at an offset, or within a stream of objects. */
type Place = { readonly offset: number } | { readonly stream: number; readonly index: number };

/** Part of the cross-references. */
interface Section {
  /** Undefined when the section says nothing of the object; null when it says that it is free. */
  find(number: number): Promise<Place | null | undefined>;
}

interface PdfObject {
  readonly value: PdfValue;
  /** Offset of the stream's data, when the object is one. */
  readonly dataAt?: number;
}

interface ObjectStream {
  readonly data: Buffer;
  readonly offsets: readonly number[];
}

/** A PDF whose cross-references have been read. Methods throw BrokenSyntax with what is wrong. */
export class PdfFile {
  readonly #content: ByteSource;
  /** Bytes before the header; offsets count from there. */
  readonly #base: number;
  readonly #sections: Section[] = [];
  readonly #objectStreams = new Map<number, ObjectStream>();
  #decoded = 0;
  #trailer: PdfDictionary = new Map();

  private constructor(content: ByteSource, base: number) {
    this.#content = content;
    this.#base = base;
  }

  /** @param startXref offset of the newest cross-references */
  static async open(content: ByteSource, base: number, startXref: number): Promise<PdfFile> {
    const file = new PdfFile(content, base);
    const pending = [startXref];
    const seen = new Set<number>();
    for (let at = pending.shift(); at !== undefined; at = pending.shift()) {
      if (seen.has(at)) continue;
      seen.add(at);
      if (seen.size > MAX_SECTIONS) throw new BrokenSyntax('it has too many cross-references');
      const trailer = await file.#readSection(at);
      if (file.#trailer.size === 0) file.#trailer = trailer;
      // The stream of a hybrid file comes before older sections.
      for (const name of ['/XRefStm', '/Prev']) {
        const next = trailer.get(name);
        if (typeof next === 'number') pending.push(next);
      }
    }
    return file;
  }

  get isEncrypted(): boolean {
    return (this.#trailer.get('/Encrypt') ?? null) !== null;
  }

  /** The document catalogue. */
  async root(): Promise<PdfDictionary> {
    const root = await this.resolve(this.#trailer.get('/Root'));
    if (!isDictionary(root)) throw new BrokenSyntax('its catalogue is missing');
    return root;
  }

  /** The value, or what it refers to; null when that does not exist, as the standard has it. */
  async resolve(value: PdfValue | undefined, depth = 0): Promise<PdfValue> {
    if (!(value instanceof Ref)) return value ?? null;
    if (depth > 16) throw new BrokenSyntax('its references run in a circle');
    const place = await this.#find(value.number);
    if (!place) return null;
    const found: PdfValue =
      'offset' in place
        ? (await this.#objectAt(place.offset, value.number)).value
        : await this.#objectInStream(place.stream, place.index, depth);
    return this.resolve(found, depth + 1);
  }

  async #find(number: number): Promise<Place | null> {
    for (const section of this.#sections) {
      const place = await section.find(number);
      if (place !== undefined) return place;
    }
    return null;
  }

  async #readSection(at: number): Promise<PdfDictionary> {
    const start = at + this.#base;
    if (start < 0 || start >= this.#content.size)
      throw new BrokenSyntax('its cross-references lie beyond its end');
    const head = await this.#content.read(start, 64);
    return /^\s*xref\b/.test(head.toString('latin1')) ? this.#readTable(start) : this.#readXrefStream(at);
  }

  /** `xref`, subsections of 20-byte entries, `trailer` and its dictionary. Entries are read when they are needed. */
  async #readTable(start: number): Promise<PdfDictionary> {
    const ranges: { first: number; count: number; at: number }[] = [];
    let at = start + (await this.#content.read(start, 64)).toString('latin1').indexOf('xref') + 'xref'.length;
    for (;;) {
      const line = (await this.#content.read(at, 64)).toString('latin1');
      const trailer = /^\s*trailer/.exec(line);
      if (trailer) {
        at += trailer[0].length;
        break;
      }
      const range = /^\s*(\d{1,10})\s+(\d{1,10})[ \t]*(\r\n|\r|\n)/.exec(line);
      if (!range || ranges.length > MAX_SUBSECTIONS) throw new BrokenSyntax('its cross-references are wrong');
      at += range[0].length;
      ranges.push({ first: Number(range[1]), count: Number(range[2]), at });
      at += Number(range[2]) * TABLE_ENTRY_BYTES;
      if (at > this.#content.size) throw new BrokenSyntax('its cross-references are cut off');
    }
    this.#sections.push({
      find: async (number) => {
        const range = ranges.find(({ first, count }) => number >= first && number < first + count);
        if (!range) return undefined;
        const entry = await this.#content.read(
          range.at + (number - range.first) * TABLE_ENTRY_BYTES,
          TABLE_ENTRY_BYTES,
        );
        const parsed = /^(\d{10}) \d{5} ([nf])/.exec(entry.toString('latin1'));
        if (!parsed) throw new BrokenSyntax('its cross-references are wrong');
        return parsed[2] === 'n' ? { offset: Number(parsed[1]) } : null;
      },
    });
    const { value } = await this.#parse(at, (parser) => ({ value: parser.value() }));
    if (!isDictionary(value)) throw new BrokenSyntax('its trailer is missing');
    return value;
  }

  /** Cross-references in a compressed stream: fields of fixed widths (7.5.8). */
  async #readXrefStream(at: number): Promise<PdfDictionary> {
    const object = await this.#objectAt(at);
    const dictionary = object.value;
    if (!isDictionary(dictionary) || dictionary.get('/Type') !== '/XRef') {
      throw new BrokenSyntax('its cross-references are not where they should be');
    }
    const widths = numbers(dictionary.get('/W'));
    const [typeWidth = 0, secondWidth = 0, thirdWidth = 0] = widths;
    const width = typeWidth + secondWidth + thirdWidth;
    if (widths.length < 3 || widths.some((w) => w < 0 || w > 8) || width === 0) {
      throw new BrokenSyntax('its cross-references are wrong');
    }
    const data = await this.#data(object);
    const index = numbers(dictionary.get('/Index'));
    const ranges = index.length > 0 ? index : [0, Math.floor(data.length / width)];
    const field = (start: number, bytes: number) => {
      let number = 0;
      for (let i = 0; i < bytes; i++) number = number * 256 + (data[start + i] ?? 0);
      return number;
    };
    this.#sections.push({
      find: async (number) => {
        let row = 0;
        for (let i = 0; i + 1 < ranges.length; i += 2) {
          const first = ranges[i] ?? 0;
          const count = ranges[i + 1] ?? 0;
          if (number >= first && number < first + count) {
            const start = (row + number - first) * width;
            if (start + width > data.length) throw new BrokenSyntax('its cross-references are cut off');
            const type = typeWidth === 0 ? 1 : field(start, typeWidth);
            const second = field(start + typeWidth, secondWidth);
            const third = field(start + typeWidth + secondWidth, thirdWidth);
            if (type === 1) return { offset: second };
            return type === 2 ? { stream: second, index: third } : null;
          }
          row += count;
        }
        return undefined;
      },
    });
    return dictionary;
  }

  /** `12 0 obj`, a value, and perhaps a stream. */
  #objectAt(offset: number, number?: number): Promise<PdfObject> {
    const start = offset + this.#base;
    if (start >= this.#content.size) throw new BrokenSyntax('an object lies beyond its end');
    return this.#parse(start, (parser, bytes) => {
      const own = Number(parser.word());
      parser.word();
      if (!parser.takes('obj') || (number !== undefined && own !== number)) {
        throw new BrokenSyntax('an object is not where it should be');
      }
      const value = parser.value();
      if (!isDictionary(value) || !parser.takes('stream')) return { value };
      // One line end, after which the data begins.
      const lineEnd = bytes[parser.at] === 13 ? (bytes[parser.at + 1] === 10 ? 2 : 1) : 1;
      return { value, dataAt: start + parser.at + lineEnd };
    });
  }

  /** Parses at a place of the file with as many bytes as it takes. */
  async #parse<Result>(start: number, parse: (parser: PdfParser, bytes: Buffer) => Result): Promise<Result> {
    for (const size of WINDOWS) {
      const bytes = await this.#content.read(start, size);
      try {
        return parse(new PdfParser(bytes), bytes);
      } catch (error) {
        if (!(error instanceof OutOfBytes)) throw error;
        if (bytes.length < size) break;
      }
    }
    throw new BrokenSyntax('it ends within an object');
  }

  async #objectInStream(stream: number, index: number, depth: number): Promise<PdfValue> {
    const { data, offsets } =
      this.#objectStreams.get(stream) ?? (await this.#openObjectStream(stream, depth));
    const offset = offsets[index];
    if (offset === undefined) throw new BrokenSyntax('an object is missing from its stream');
    try {
      return new PdfParser(Buffer.concat([data.subarray(offset), Buffer.from(' ')])).value();
    } catch (error) {
      throw error instanceof OutOfBytes ? new BrokenSyntax('a stream of objects is cut off') : error;
    }
  }

  async #openObjectStream(number: number, depth: number): Promise<ObjectStream> {
    const place = await this.#find(number);
    if (!place || !('offset' in place) || depth > 16)
      throw new BrokenSyntax('a stream of objects is missing');
    const object = await this.#objectAt(place.offset, number);
    const count = isDictionary(object.value) ? object.value.get('/N') : undefined;
    const first = isDictionary(object.value) ? object.value.get('/First') : undefined;
    if (typeof count !== 'number' || typeof first !== 'number')
      throw new BrokenSyntax('a stream of objects is wrong');
    const data = await this.#data(object);
    const header = data.toString('latin1', 0, Math.min(first, data.length)).trim().split(/\s+/).map(Number);
    const offsets = Array.from(
      { length: Math.min(count, header.length >> 1) },
      (_, i) => first + (header[2 * i + 1] ?? 0),
    );
    const [oldest] = this.#objectStreams.keys();
    if (this.#objectStreams.size >= KEPT_OBJECT_STREAMS && oldest !== undefined)
      this.#objectStreams.delete(oldest);
    const opened = { data, offsets };
    this.#objectStreams.set(number, opened);
    return opened;
  }

  /** The decoded data of a stream. */
  async #data({ value, dataAt }: PdfObject): Promise<Buffer> {
    if (!isDictionary(value) || dataAt === undefined) throw new BrokenSyntax('a stream is missing');
    const length = await this.resolve(value.get('/Length'), 8);
    if (typeof length !== 'number' || length < 0 || length > MAX_STREAM_BYTES) {
      throw new BrokenSyntax('the length of a stream is wrong');
    }
    const raw = await this.#content.read(dataAt, length);
    if (raw.length < length) throw new BrokenSyntax('a stream is cut off');
    const [filter, ...more] = listOf(await this.resolve(value.get('/Filter')));
    if (filter === undefined) return raw;
    if (filter !== '/FlateDecode' || more.length > 0)
      throw new BrokenSyntax(`its objects are packed in an unusual way (${String(filter)})`);
    const [parameters] = listOf(await this.resolve(value.get('/DecodeParms')));
    return undoPredictor(this.#inflate(raw), isDictionary(parameters) ? parameters : new Map());
  }

  #inflate(raw: Buffer): Buffer {
    try {
      const data = inflateSync(raw, { maxOutputLength: MAX_DECODED_BYTES });
      this.#decoded += data.length;
      if (this.#decoded <= MAX_DECODED_IN_ALL) return data;
    } catch {
      // Damaged, or larger than any real one.
    }
    throw new BrokenSyntax('a stream cannot be unpacked');
  }
}

function listOf(value: PdfValue): readonly PdfValue[] {
  if (isList(value)) return value;
  return value === null ? [] : [value];
}

function numbers(value: PdfValue | undefined): number[] {
  return isList(value) ? value.filter((item) => typeof item === 'number') : [];
}
