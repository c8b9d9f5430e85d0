import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { createCanvas } from '@napi-rs/canvas';
import { getDocument, OPS, type PDFDocumentProxy, type PDFPageProxy } from 'pdfjs-dist/legacy/build/pdf.mjs';
import { greyOf } from './ocr-image.ts';
import {
  type GreyImage,
  lineOf,
  type OcrPage,
  type OcrWord,
  type Point,
  type Polygon,
  UnreadableDocument,
} from './ocr-types.ts';

const PDFJS = dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'));

/** Resolution at which pages are drawn for recognition, in dots per inch; less for sheets above A3. */
const DOTS_PER_INCH = 170;
const MAX_SIDE_PIXELS = 3000;

/** Confidence of text that is taken from the file and not recognised; Textract says about as much of clean print. */
const TEXT_LAYER_CONFIDENCE = 99.9;

/** A page of a PDF: text that was typed, or a picture in which text has to be recognised. */
export type PdfPage = { readonly text: OcrPage } | { readonly image: GreyImage };

export interface Pdf {
  readonly pageCount: number;
  /** @param index from 0 */
  page(index: number): Promise<PdfPage>;
  close(): Promise<void>;
}

/** @throws UnreadableDocument ENCRYPTED, CORRUPT_FILE or NO_PAGES */
export async function openPdf(bytes: Buffer): Promise<Pdf> {
  const document = await open(bytes);
  return {
    pageCount: document.numPages,
    async page(index) {
      try {
        const page = await document.getPage(index + 1);
        const text = await textLayer(page);
        const result = text ? { text } : { image: await render(page) };
        page.cleanup();
        return result;
      } catch (cause) {
        throw new UnreadableDocument('CORRUPT_FILE', `Page ${index + 1} of the PDF cannot be read.`, cause);
      }
    },
    close: () => document.loadingTask.destroy(),
  };
}

/** pdf.js names its exceptions; the classes are not all exported. */
const REFUSALS: Readonly<Record<string, ConstructorParameters<typeof UnreadableDocument>>> = {
  PasswordException: ['ENCRYPTED', 'The PDF is protected by a password.'],
};

async function open(bytes: Buffer): Promise<PDFDocumentProxy> {
  try {
    return await getDocument({
      // pdf.js takes the buffer over, and refuses Node's Buffer.
      data: new Uint8Array(bytes),
      standardFontDataUrl: join(PDFJS, 'standard_fonts') + sep,
      cMapUrl: join(PDFJS, 'cmaps') + sep,
      wasmUrl: join(PDFJS, 'wasm') + sep,
      cMapPacked: true,
      verbosity: 0,
    }).promise;
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : '';
    const [code, message] = REFUSALS[name] ?? ['CORRUPT_FILE', 'The PDF cannot be read.'];
    throw new UnreadableDocument(code, message, cause);
  }
}

const IMAGE_OPERATORS = new Set([
  OPS.paintImageXObject,
  OPS.paintInlineImageXObject,
  OPS.paintImageMaskXObject,
  OPS.paintInlineImageXObjectGroup,
  OPS.paintImageXObjectRepeat,
  OPS.paintImageMaskXObjectRepeat,
  OPS.paintImageMaskXObjectGroup,
  OPS.paintSolidColorImageMask,
]);

/** Glyphs without a meaning: the font of such a page does not say which letters it draws. */
const MEANINGLESS = /[\uFFFD\p{Co}\p{Cc}]/u;

/**
 * The typed text of a page, which is exact and costs milliseconds. Undefined where the page shows pictures (what they
 * say counts too, and a scan may hide a poor text layer) or where its letters have no meaning: then it is recognised.
 */
async function textLayer(page: PDFPageProxy): Promise<OcrPage | undefined> {
  const { items } = await page.getTextContent({ includeMarkedContent: false });
  const { fnArray } = await page.getOperatorList();
  if (fnArray.some((operator) => IMAGE_OPERATORS.has(operator))) return undefined;
  const viewport = page.getViewport({ scale: 1 });
  const lines: OcrWord[][] = [];
  let previous: Run | undefined;
  for (const item of items) {
    if (!('str' in item) || !item.str.trim()) continue;
    if (MEANINGLESS.test(item.str)) return undefined;
    const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = item.transform.map(Number);
    const size = Math.hypot(c, d) || 1;
    const along: Point = [a / (Math.hypot(a, b) || 1), b / (Math.hypot(a, b) || 1)];
    const run: Run = { origin: [e, f], along, size, length: item.width };
    const place = (distance: number, rise: number): Point => {
      const x = e + along[0] * distance - along[1] * rise;
      const y = f + along[1] * distance + along[0] * rise;
      const [px, py] = viewport.convertToViewportPoint(x, y);
      return [clamp(Number(px) / viewport.width), clamp(Number(py) / viewport.height)];
    };
    const words = wordsOf(item.str, item.width, size, place);
    const line = lines.at(-1);
    const position = previous && line ? follows(previous, run) : 'apart';
    if (position === 'apart' || !line) lines.push(words);
    else if (position === 'touching' && !/^\s/.test(item.str)) line.push(...joined(line.pop(), words));
    else line.push(...words);
    previous = /\s$/.test(item.str) ? { ...run, length: run.length + size } : run;
  }
  return lines.length > 0 ? { lines: lines.map(lineOf) } : { lines: [] };
}

const clamp = (value: number) => Math.min(1, Math.max(0, value));

/** A piece of text as the file places it, in points. */
interface Run {
  readonly origin: Point;
  readonly along: Point;
  readonly size: number;
  readonly length: number;
}

/** Whether a run goes on in the same line: without a gap, after a space, or not at all. */
function follows(before: Run, run: Run): 'touching' | 'spaced' | 'apart' {
  const dx = run.origin[0] - before.origin[0];
  const dy = run.origin[1] - before.origin[1];
  const along = dx * before.along[0] + dy * before.along[1] - before.length;
  const across = Math.abs(-dx * before.along[1] + dy * before.along[0]);
  if (across > before.size * 0.5 || along < -before.size || along > before.size * 2) return 'apart';
  return along < before.size * 0.15 ? 'touching' : 'spaced';
}

function joined(first: OcrWord | undefined, [second, ...rest]: readonly OcrWord[]): OcrWord[] {
  if (!first) return second ? [second, ...rest] : rest;
  if (!second) return [first, ...rest];
  const [a, , , d] = first.polygon;
  const [, b, c] = second.polygon;
  return [{ ...first, text: first.text + second.text, polygon: [a, b, c, d] }, ...rest];
}

const LIGATURES = /[\uFB00-\uFB06]/g;

/** The words of a run; a word's share of the width is its share of the characters. */
function wordsOf(
  text: string,
  width: number,
  size: number,
  place: (distance: number, rise: number) => Point,
): OcrWord[] {
  const step = width / text.length;
  return [...text.matchAll(/\S+/g)].map(({ 0: word, index }) => {
    const from = index * step;
    const to = (index + word.length) * step;
    const polygon: Polygon = [
      place(from, size * 0.8),
      place(to, size * 0.8),
      place(to, -size * 0.2),
      place(from, -size * 0.2),
    ];
    return {
      text: word.replace(LIGATURES, (glyph) => glyph.normalize('NFKC')),
      confidence: TEXT_LAYER_CONFIDENCE,
      polygon,
    };
  });
}

async function render(page: PDFPageProxy): Promise<GreyImage> {
  const sheet = page.getViewport({ scale: 1 });
  const scale = Math.min(DOTS_PER_INCH / 72, MAX_SIDE_PIXELS / Math.max(sheet.width, sheet.height));
  const viewport = page.getViewport({ scale });
  const canvas = createCanvas(Math.ceil(viewport.width), Math.ceil(viewport.height));
  await page.render({ canvas, viewport }).promise;
  return greyOf(canvas.getContext('2d'), canvas.width, canvas.height);
}
