import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type Compressors, snappyUncompress } from 'hyparquet';

/** Most bytes of a page, decompressed. */
const MAX_PAGE_BYTES = 128 * 1024 ** 2;

/** The file says something about sizes that is not so. */
export class WrongSize extends Error {
  override readonly name = 'WrongSize';
}

type Codec = (input: Uint8Array, outputLength: number) => Uint8Array;

/** What Node brings; LZ4 and LZO it does not. */
export const CODECS: Compressors = {
  SNAPPY: bounded((input, length) => {
    const output = new Uint8Array(length);
    snappyUncompress(input, output);
    return output;
  }),
  GZIP: bounded((input, length) => gunzipSync(input, { maxOutputLength: length })),
  BROTLI: bounded((input, length) => brotliDecompressSync(input, { maxOutputLength: length })),
  ZSTD: bounded((input, length) => zstdDecompressSync(input, { maxOutputLength: length })),
};

function bounded(codec: Codec): Codec {
  return (input, outputLength) => {
    if (outputLength > MAX_PAGE_BYTES) throw new WrongSize(`a page has ${outputLength} bytes`);
    // A page of nothing but nulls; decompressors do not take a limit of no bytes.
    return outputLength === 0 ? new Uint8Array() : codec(input, outputLength);
  };
}
