import type { Canvas } from '@napi-rs/canvas';
import PDFDocument from 'pdfkit';

/** A fixed date, so that the same content gives the same bytes. */
const CREATED = new Date('2026-05-01T09:00:00Z');

function pdf(
  write: (document: PDFKit.PDFDocument) => void,
  options: PDFKit.PDFDocumentOptions = {},
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const document = new PDFDocument({
    size: 'A4',
    autoFirstPage: false,
    info: { CreationDate: CREATED, Producer: 'Millrace samples', Creator: 'Millrace samples' },
    ...options,
  });
  const chunks: Buffer[] = [];
  document.on('data', (chunk: Buffer) => chunks.push(chunk));
  document.on('end', () => resolve(Buffer.concat(chunks)));
  document.on('error', reject);
  write(document);
  document.end();
  return promise;
}

/** A born-digital PDF with one line of text per entry. `userPassword` encrypts it. */
export function textPdf(lines: readonly string[], userPassword?: string): Promise<Buffer> {
  return pdf(
    (document) => {
      document.addPage({ margin: 72 });
      document.font('Helvetica').fontSize(12);
      for (const line of lines) document.text(line, { lineGap: 8 });
    },
    userPassword === undefined ? {} : { userPassword, ownerPassword: `${userPassword}-owner` },
  );
}

/** A PDF of scanned pages: each page is one JPEG over the whole sheet, without a text layer. */
export function scannedPdf(pages: readonly Canvas[]): Promise<Buffer> {
  return pdf((document) => {
    for (const page of pages) {
      document.addPage({ margin: 0 });
      document.image(page.toBuffer('image/jpeg', 55), 0, 0, { width: 595.28, height: 841.89 });
    }
  });
}

/** TIFF tags in the order the file wants them (TIFF 6.0, section 8). */
const TAG = {
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  stripOffset: 273,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripBytes: 279,
  xResolution: 282,
  yResolution: 283,
  resolutionUnit: 296,
} as const;
const SHORT = 3;
const LONG = 4;
const RATIONAL = 5;
const LZW = 5;
const BLACK_IS_ZERO = 1;

/** A TIFF of black-and-white pages, compressed with LZW as fax programs write it. */
export function faxTiff(pages: readonly Canvas[], dotsPerInch: number): Buffer {
  const header = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0]);
  const parts: Buffer[] = [header];
  let length = header.length;
  let link: { buffer: Buffer; at: number } = { buffer: header, at: 4 };
  const append = (part: Buffer) => {
    const padded = part.length % 2 === 0 ? part : Buffer.concat([part, Buffer.alloc(1)]);
    parts.push(padded);
    const at = length;
    length += padded.length;
    return at;
  };

  for (const page of pages) {
    const strip = lzw(bilevel(page));
    const stripOffset = append(strip);
    const resolution = Buffer.alloc(8);
    resolution.writeUInt32LE(dotsPerInch, 0);
    resolution.writeUInt32LE(1, 4);
    const resolutionOffset = append(resolution);
    const entries: [tag: number, type: number, value: number][] = [
      [TAG.width, LONG, page.width],
      [TAG.height, LONG, page.height],
      [TAG.bitsPerSample, SHORT, 1],
      [TAG.compression, SHORT, LZW],
      [TAG.photometric, SHORT, BLACK_IS_ZERO],
      [TAG.stripOffset, LONG, stripOffset],
      [TAG.samplesPerPixel, SHORT, 1],
      [TAG.rowsPerStrip, LONG, page.height],
      [TAG.stripBytes, LONG, strip.length],
      [TAG.xResolution, RATIONAL, resolutionOffset],
      [TAG.yResolution, RATIONAL, resolutionOffset],
      [TAG.resolutionUnit, SHORT, 2],
    ];
    const directory = Buffer.alloc(2 + entries.length * 12 + 4);
    directory.writeUInt16LE(entries.length, 0);
    for (const [index, [tag, type, value]] of entries.entries()) {
      const at = 2 + index * 12;
      directory.writeUInt16LE(tag, at);
      directory.writeUInt16LE(type, at + 2);
      directory.writeUInt32LE(1, at + 4);
      directory.writeUInt32LE(value, at + 8);
    }
    link.buffer.writeUInt32LE(append(directory), link.at);
    link = { buffer: directory, at: directory.length - 4 };
  }
  return Buffer.concat(parts);
}

/** One bit a pixel, rows padded to whole bytes, 1 for white. */
function bilevel(page: Canvas): Buffer {
  const { width, height } = page;
  const { data } = page.getContext('2d').getImageData(0, 0, width, height);
  const stride = Math.ceil(width / 8);
  const bits = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if ((data[(y * width + x) * 4] ?? 0) < 150) continue;
      const at = y * stride + (x >> 3);
      bits[at] = (bits[at] ?? 0) | (0x80 >> (x & 7));
    }
  }
  return bits;
}

/** LZW as TIFF 6.0 has it (section 13): codes of 9 to 12 bits, high bit first, widening one code early. */
function lzw(bytes: Buffer): Buffer {
  const CLEAR = 256;
  const END = 257;
  const output: number[] = [];
  let held = 0;
  let heldBits = 0;
  let width = 9;
  const write = (code: number) => {
    held = (held << width) | code;
    heldBits += width;
    while (heldBits >= 8) {
      heldBits -= 8;
      output.push((held >> heldBits) & 0xff);
    }
    held &= (1 << heldBits) - 1;
  };
  let table = new Map<number, number>();
  let next = 258;
  write(CLEAR);
  let prefix = bytes[0] ?? 0;
  for (const byte of bytes.subarray(1)) {
    const known = table.get((prefix << 8) | byte);
    if (known !== undefined) {
      prefix = known;
      continue;
    }
    write(prefix);
    table.set((prefix << 8) | byte, next++);
    if (next === 4094) {
      write(CLEAR);
      table = new Map();
      next = 258;
      width = 9;
    } else if (next === 1 << width) width++;
    prefix = byte;
  }
  write(prefix);
  write(END);
  if (heldBits > 0) output.push((held << (8 - heldBits)) & 0xff);
  return Buffer.from(output);
}
