import { createCanvas, type Image, loadImage } from '@napi-rs/canvas';
import UTIF from 'utif2';
import { type GreyImage, type Point, type Polygon, UnreadableDocument } from './ocr-types.ts';

/** Longest side of an image, in pixels (Textract, set quotas). */
export const MAX_IMAGE_SIDE = 10_000;

/** Longer side of a page, in pixels, within which Tesseract is accurate and quick: A4 at about 130 to 250 dpi. */
const COMFORTABLE = { min: 1500, max: 3000 } as const;

/** Decodes a PNG or JPEG file. */
export async function decodeImage(bytes: Buffer): Promise<GreyImage> {
  const size = sizeOf(bytes);
  if (size) checkSide(size.width, size.height);
  let image: Image;
  try {
    image = await loadImage(bytes);
  } catch (cause) {
    throw new UnreadableDocument('CORRUPT_FILE', 'The image cannot be decoded.', cause);
  }
  checkSide(image.width, image.height);
  return draw(image.width, image.height, image);
}

/** Decodes the pages of a TIFF file one by one. */
export function tiffPages(bytes: Buffer): { count: number; page: (index: number) => Promise<GreyImage> } {
  let directories: UTIF.IFD[];
  try {
    directories = UTIF.decode(bytes).filter((directory) => directory.t256 !== undefined);
  } catch (cause) {
    throw new UnreadableDocument('CORRUPT_FILE', 'The TIFF file cannot be decoded.', cause);
  }
  return {
    count: directories.length,
    async page(index) {
      const directory = directories[index];
      if (!directory) throw new RangeError(`The TIFF has no page ${index + 1}.`);
      checkSide(firstNumber(directory.t256), firstNumber(directory.t257));
      try {
        UTIF.decodeImage(bytes, directory);
        const { width, height } = directory;
        const canvas = createCanvas(width, height);
        const pen = canvas.getContext('2d');
        const picture = pen.createImageData(width, height);
        picture.data.set(UTIF.toRGBA8(directory));
        pen.putImageData(picture, 0, 0);
        // The decoded pages of a long file would pile up on its directories.
        directory.data = new Uint8Array(0);
        return draw(width, height, canvas);
      } catch (cause) {
        throw new UnreadableDocument(
          'CORRUPT_FILE',
          `Page ${index + 1} of the TIFF cannot be decoded.`,
          cause,
        );
      }
    },
  };
}

const firstNumber = (tag: unknown) => Number(Array.isArray(tag) ? tag[0] : tag);

function checkSide(width: number, height: number): void {
  if (!(width > 0 && height > 0)) throw new UnreadableDocument('CORRUPT_FILE', 'The image has no pixels.');
  if (Math.max(width, height) > MAX_IMAGE_SIDE) {
    throw new UnreadableDocument(
      'IMAGE_TOO_LARGE',
      `The image has ${width} × ${height} pixels; at most ${MAX_IMAGE_SIDE} a side are allowed.`,
    );
  }
}

/** Paints a picture in a comfortable size on white paper and takes its luminance. */
function draw(width: number, height: number, source: Parameters<Pen['drawImage']>[0]): GreyImage {
  const longer = Math.max(width, height);
  const wanted = Math.min(Math.max(longer, COMFORTABLE.min), COMFORTABLE.max);
  const scale = Math.min(2, wanted / longer);
  const canvas = createCanvas(
    Math.max(1, Math.round(width * scale)),
    Math.max(1, Math.round(height * scale)),
  );
  const pen = canvas.getContext('2d');
  pen.fillStyle = '#ffffff';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(source, 0, 0, canvas.width, canvas.height);
  return greyOf(pen, canvas.width, canvas.height);
}

type Pen = ReturnType<ReturnType<typeof createCanvas>['getContext']>;

/** Luminance of what is on a canvas (ITU-R BT.601). */
export function greyOf(pen: Pick<Pen, 'getImageData'>, width: number, height: number): GreyImage {
  const { data } = pen.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(width * height);
  for (let i = 0, at = 0; i < pixels.length; i++, at += 4) {
    pixels[i] = ((data[at] ?? 0) * 77 + (data[at + 1] ?? 0) * 150 + (data[at + 2] ?? 0) * 29) >> 8;
  }
  return { width, height, pixels };
}

/** The picture turned clockwise by quarters; `scale` below 1 leaves pixels out. */
export function turnQuarters(image: GreyImage, quarters: number, scale = 1): GreyImage {
  const width = Math.floor(image.width * scale);
  const height = Math.floor(image.height * scale);
  const sideways = quarters % 2 === 1;
  const [turnedWidth, turnedHeight] = sideways ? [height, width] : [width, height];
  const pixels = new Uint8Array(width * height);
  for (let y = 0, to = 0; y < turnedHeight; y++) {
    for (let x = 0; x < turnedWidth; x++, to++) {
      const [fromX, fromY] = source(x, y, width, height, quarters);
      pixels[to] = image.pixels[Math.floor(fromY / scale) * image.width + Math.floor(fromX / scale)] ?? 255;
    }
  }
  return { width: turnedWidth, height: turnedHeight, pixels };
}

/** Where the pixel (x, y) of the turned picture was before. */
function source(x: number, y: number, width: number, height: number, quarters: number): Point {
  if (quarters === 1) return [y, height - 1 - x];
  if (quarters === 2) return [width - 1 - x, height - 1 - y];
  if (quarters === 3) return [width - 1 - y, x];
  return [x, y];
}

/** The corners on the page as it was before `turnQuarters`. */
export function turnBack(polygon: Polygon, quarters: number): Polygon {
  const back = ([x, y]: Point): Point => [y, 1 - x];
  let turned = polygon;
  for (let i = 0; i < quarters; i++) {
    const [a, b, c, d] = turned;
    turned = [back(a), back(b), back(c), back(d)];
  }
  return turned;
}

/** Width and height from the header of a PNG or JPEG, so that a huge picture is refused before it is unpacked. */
function sizeOf(bytes: Buffer): { width: number; height: number } | undefined {
  if (bytes[0] === 0x89 && bytes.length >= 24) {
    return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  }
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
  }
  return undefined;
}
