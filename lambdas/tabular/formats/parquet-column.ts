import { type AsyncBuffer, type FileMetaData, parquetRead } from 'hyparquet';
import { CODECS, WrongSize } from './parquet-codecs.ts';
import { PARSERS } from './parquet-values.ts';

interface Page {
  readonly start: number;
  readonly end: number;
  readonly values: ArrayLike<unknown>;
}

/** One column of a row group, read in ascending slices. A page that reaches beyond a slice is kept for the next one. */
export class ColumnSlices {
  readonly #file: AsyncBuffer;
  readonly #metadata: FileMetaData;
  readonly #column: string;
  #pages: Page[] = [];

  constructor(file: AsyncBuffer, metadata: FileMetaData, column: string) {
    this.#file = file;
    this.#metadata = metadata;
    this.#column = column;
  }

  /** Values that wait for the next slice. */
  get kept(): number {
    return this.#pages.reduce((sum, { values }) => sum + values.length, 0);
  }

  /** The values in the rows from `start` until before `end`. @throws WrongSize and what hyparquet throws */
  async read(start: number, end: number): Promise<unknown[]> {
    const decoded = this.#pages.at(-1)?.end ?? start;
    if (decoded < end) await this.#decode(decoded, end);
    const values = new Array<unknown>(end - start);
    let found = 0;
    for (const page of this.#pages) {
      const from = Math.max(start, page.start);
      const until = Math.min(end, page.end);
      for (let row = from; row < until; row++) values[row - start] = page.values[row - page.start];
      found += Math.max(0, until - from);
    }
    if (found !== end - start) {
      throw new WrongSize(`column ${this.#column} has ${found} of ${end - start} rows`);
    }
    this.#pages = this.#pages.filter((page) => page.end > end);
    return values;
  }

  async #decode(start: number, end: number): Promise<void> {
    await parquetRead({
      file: this.#file,
      metadata: this.#metadata,
      columns: [this.#column],
      rowStart: start,
      rowEnd: end,
      compressors: CODECS,
      parsers: PARSERS,
      geoparquet: false,
      utf8: false,
      onChunk: ({ columnData, rowStart }) => {
        const page = { start: rowStart, end: rowStart + columnData.length, values: columnData };
        // Of a page that ends where this slice begins, hyparquet tells again.
        if (page.end > start) this.#pages.push(page);
      },
    });
  }
}
