import { crc32 } from 'node:zlib';
import type { Examine } from './examine.ts';
import { refuse } from './reasons.ts';

/** Textract, set quotas: images of at most 10,000 pixels on all sides. */
export const MAX_SIDE_PIXELS = 10_000;
const SIDE_LIMIT = `at most ${MAX_SIDE_PIXELS} pixels a side are taken`;

interface Size {
  readonly width: number;
  readonly height: number;
}

const PNG = 'PNG image';
const JPEG = 'JPEG image';

/** Images are small enough to be looked at whole. */
function examineImage(label: string, measure: (bytes: Buffer) => Size): Examine {
  return async (content, limits) => {
    if (content.size > limits.maxImageBytes) {
      throw refuse.tooLarge(label, content.size, limits.maxImageBytes);
    }
    const { width, height } = measure(await content.read(0, content.size));
    if (width === 0 || height === 0) throw refuse.corrupt(label, 'it has no width or no height');
    if (width > MAX_SIDE_PIXELS || height > MAX_SIDE_PIXELS) {
      throw refuse.imageTooLarge(label, width, height, SIDE_LIMIT);
    }
    return { pages: 1 };
  };
}

export const examinePng: Examine = examineImage(PNG, measurePng);
export const examineJpeg: Examine = examineImage(JPEG, measureJpeg);

const PNG_SIGNATURE_BYTES = 8;

/** Chunks without which a picture cannot be shown; the checksums of others do not matter. */
const CRITICAL_CHUNKS = new Set(['IHDR', 'PLTE', 'IDAT', 'IEND']);

/** PNG specification, 5: length, type, data and CRC of each chunk, from IHDR to IEND. */
function measurePng(bytes: Buffer): Size {
  let size: Size | undefined;
  let hasData = false;
  for (let at = PNG_SIGNATURE_BYTES; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) break;
    if (CRITICAL_CHUNKS.has(type) && crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32BE(end)) {
      throw refuse.corrupt(PNG, `the checksum of its ${type} part is wrong`);
    }
    if (type === 'IHDR' && length === 13) {
      size = { width: bytes.readUInt32BE(at + 8), height: bytes.readUInt32BE(at + 12) };
    }
    if (!size) throw refuse.corrupt(PNG, 'it does not begin with its measures');
    if (type === 'IDAT') hasData = true;
    if (type === 'IEND') {
      if (hasData) return size;
      break;
    }
    at = end + 4;
  }
  throw refuse.corrupt(PNG, 'its end is missing');
}

/** Start of frame: 0xC0 to 0xCF without DHT, JPG and DAC (ITU-T T.81, table B.1). */
const isStartOfFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

const START_OF_SCAN = 0xda;
const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

/** ITU-T T.81, annex B: segments up to the scan, then the end marker. */
function measureJpeg(bytes: Buffer): Size {
  let size: Size | undefined;
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) break;
    const marker = bytes[at + 1] ?? 0;
    // Any number of fill bytes may come before a marker.
    if (marker === 0xff) {
      at++;
      continue;
    }
    const length = bytes.readUInt16BE(at + 2);
    if (isStartOfFrame(marker) && at + 9 <= bytes.length) {
      size = { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    }
    if (marker === START_OF_SCAN) {
      if (!size) throw refuse.corrupt(JPEG, 'its measures are missing');
      if (bytes.indexOf(END_OF_IMAGE, at) < 0) throw refuse.corrupt(JPEG, 'its end is missing');
      return size;
    }
    at += 2 + length;
  }
  throw refuse.corrupt(JPEG, 'it has no picture in it');
}
