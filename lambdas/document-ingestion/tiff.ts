import type { ByteSource } from './bytes.ts';
import type { Examine } from './examine.ts';
import { MAX_SIDE_PIXELS } from './image.ts';
import { refuse } from './reasons.ts';

const TIFF = 'TIFF file';
const SIDE_LIMIT = `at most ${MAX_SIDE_PIXELS} pixels a side are taken`;

/** Tags of a page's directory (TIFF 6.0, section 8; tiles: section 15). */
const TAG = {
  width: 256,
  height: 257,
  stripOffsets: 273,
  stripBytes: 279,
  tileOffsets: 324,
  tileBytes: 325,
} as const;

/** Bytes of a value by type, for the types that the tags above have: SHORT, LONG, LONG8. */
const TYPE_BYTES: Readonly<Record<number, number>> = { 3: 2, 4: 4, 16: 8 };

/** More parts than any scan has; a larger count is damage. */
const MAX_PARTS = 1_000_000;

/** Sizes of the structures of TIFF and BigTIFF, bytes. */
interface Layout {
  readonly word: 4 | 8;
  readonly countBytes: 2 | 8;
  readonly entryBytes: 12 | 20;
}
const CLASSIC: Layout = { word: 4, countBytes: 2, entryBytes: 12 };
const BIG: Layout = { word: 8, countBytes: 8, entryBytes: 20 };

interface Entry {
  readonly type: number;
  readonly count: number;
  /** Where its values are. */
  readonly at: number;
}

/** Follows the chain of directories, one for each page, and checks that what they point to is there. */
export const examineTiff: Examine = async (content, limits) => {
  if (content.size > limits.maxDocumentBytes) {
    throw refuse.tooLarge(TIFF, content.size, limits.maxDocumentBytes);
  }
  const reader = await TiffReader.open(content);
  const seen = new Set<number>();
  let pages = 0;
  for (let at = reader.first; at !== 0; ) {
    if (seen.has(at)) throw refuse.corrupt(TIFF, 'its list of pages runs in a circle');
    seen.add(at);
    pages++;
    if (pages > limits.maxPages) throw refuse.tooManyPages(TIFF, pages, limits.maxPages);
    at = await reader.checkPage(at, pages);
  }
  if (pages === 0) throw refuse.noPages(TIFF);
  return { pages };
};

class TiffReader {
  readonly first: number;
  readonly #content: ByteSource;
  readonly #isLittle: boolean;
  readonly #layout: Layout;

  private constructor(content: ByteSource, isLittle: boolean, layout: Layout, header: Buffer) {
    this.#content = content;
    this.#isLittle = isLittle;
    this.#layout = layout;
    this.first = this.#number(header, layout === BIG ? 8 : 4, layout.word);
  }

  static async open(content: ByteSource): Promise<TiffReader> {
    const header = await content.read(0, 16);
    const isLittle = header[0] === 0x49;
    const version = isLittle ? header.readUInt16LE(2) : header.readUInt16BE(2);
    const layout = version === 43 ? BIG : CLASSIC;
    if (header.length < (layout === BIG ? 16 : 8)) throw refuse.corrupt(TIFF, 'it ends in its header');
    return new TiffReader(content, isLittle, layout, header);
  }

  /** Checks the page whose directory is at `at`, and answers where the next one is; 0 after the last. */
  async checkPage(at: number, page: number): Promise<number> {
    const { countBytes, entryBytes, word } = this.#layout;
    const count = this.#number(await this.#read(at, countBytes, page), 0, countBytes);
    if (count === 0 || count > 65_535) throw refuse.corrupt(TIFF, `the directory of page ${page} is wrong`);
    const start = at + countBytes;
    const directory = await this.#read(start, count * entryBytes + word, page);
    const entries = new Map<number, Entry>();
    for (let i = 0; i < count; i++) entries.set(...this.#entry(directory, i * entryBytes, start));

    const width = await this.#first(entries.get(TAG.width), page);
    const height = await this.#first(entries.get(TAG.height), page);
    if (!width || !height) throw refuse.corrupt(TIFF, `page ${page} has no width or no height`);
    if (width > MAX_SIDE_PIXELS || height > MAX_SIDE_PIXELS) {
      throw refuse.imageTooLarge(`page ${page} of the TIFF file`, width, height, SIDE_LIMIT);
    }
    const offsets = await this.#values(entries.get(TAG.stripOffsets) ?? entries.get(TAG.tileOffsets), page);
    const sizes = await this.#values(entries.get(TAG.stripBytes) ?? entries.get(TAG.tileBytes), page);
    if (offsets.length === 0) throw refuse.corrupt(TIFF, `page ${page} has no picture in it`);
    if (offsets.some((offset, i) => offset + (sizes[i] ?? 1) > this.#content.size)) {
      throw refuse.corrupt(TIFF, `the picture of page ${page} is cut off`);
    }
    return this.#number(directory, count * entryBytes, word);
  }

  #entry(directory: Buffer, at: number, start: number): [number, Entry] {
    const { word } = this.#layout;
    const tag = this.#number(directory, at, 2);
    const type = this.#number(directory, at + 2, 2);
    const count = this.#number(directory, at + 4, word);
    // Values that fit stand in the entry itself.
    const isInline = count * (TYPE_BYTES[type] ?? word + 1) <= word;
    const value = at + 4 + word;
    return [tag, { type, count, at: isInline ? start + value : this.#number(directory, value, word) }];
  }

  async #first(entry: Entry | undefined, page: number): Promise<number | undefined> {
    const [value] = await this.#values(entry && { ...entry, count: Math.min(entry.count, 1) }, page);
    return value;
  }

  async #values(entry: Entry | undefined, page: number): Promise<number[]> {
    const size = TYPE_BYTES[entry?.type ?? 0];
    if (!entry || !size) return [];
    if (entry.count > MAX_PARTS) throw refuse.corrupt(TIFF, `the directory of page ${page} is wrong`);
    const bytes = await this.#read(entry.at, entry.count * size, page);
    return Array.from({ length: entry.count }, (_, i) => this.#number(bytes, i * size, size));
  }

  async #read(at: number, length: number, page: number): Promise<Buffer> {
    const bytes = at < this.#content.size ? await this.#content.read(at, length) : Buffer.alloc(0);
    if (bytes.length < length) throw refuse.corrupt(TIFF, `page ${page} lies beyond its end`);
    return bytes;
  }

  #number(bytes: Buffer, at: number, size: number): number {
    if (size === 2) return this.#isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
    if (size === 4) return this.#isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    return Number(this.#isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  }
}
