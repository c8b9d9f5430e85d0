import type { Limits } from '../shared/contract.ts';
import type { ByteSource } from './bytes.ts';
import type { Examine } from './examine.ts';
import { PdfFile } from './pdf-file.ts';
import { BrokenSyntax, isDictionary, isList, OutOfBytes, type PdfValue, Ref } from './pdf-syntax.ts';
import { Refusal, refuse } from './reasons.ts';

const PDF = 'PDF';

/** Textract, set quotas: PDF pages of at most 9,000 points (1/72 inch) a side. */
const MAX_SIDE_POINTS = 9_000;

const HEADER_WITHIN = 1024;

/** Where the end of a PDF is looked for; some programs append a little. */
const TAIL_BYTES = 4096;

/** Nodes of the page tree that are looked at for each page that is allowed. */
const NODES_PER_PAGE = 4;

/** Judges a PDF by its structure: whole, readable without a password, and with how many pages. */
export const examinePdf: Examine = async (content, limits) => {
  if (content.size > limits.maxDocumentBytes) {
    throw refuse.tooLarge(PDF, content.size, limits.maxDocumentBytes);
  }
  try {
    const file = await open(content);
    if (file.isEncrypted) throw refuse.encrypted();
    const pages = await countPages(file, limits);
    if (pages === 0) throw refuse.noPages(PDF);
    return { pages };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    if (error instanceof BrokenSyntax || error instanceof OutOfBytes)
      throw refuse.corrupt(PDF, error.message);
    throw error;
  }
};

async function open(content: ByteSource): Promise<PdfFile> {
  const base = (await content.read(0, HEADER_WITHIN)).indexOf('%PDF-');
  const tail = (await content.read(content.size - TAIL_BYTES, TAIL_BYTES)).toString('latin1');
  if (!tail.includes('%%EOF')) throw new BrokenSyntax('its end is missing');
  const start = /startxref\s+(\d{1,12})\s+%%EOF(?![\s\S]*startxref)/.exec(tail);
  if (!start) throw new BrokenSyntax('it does not say where its cross-references are');
  return PdfFile.open(content, Math.max(0, base), Number(start[1]));
}

/** Walks the page tree, which may be damaged or an attack: every node once, and no more of them than pages allow. */
async function countPages(file: PdfFile, limits: Limits): Promise<number> {
  const root = await file.root();
  const top = await file.resolve(root.get('/Pages'));
  if (!isDictionary(top)) throw new BrokenSyntax('its list of pages is missing');
  const declared = await file.resolve(top.get('/Count'));
  if (typeof declared === 'number' && declared > limits.maxPages) {
    throw refuse.tooManyPages(PDF, declared, limits.maxPages);
  }
  const seen = new Set<number>();
  const pending: { node: PdfValue; box: PdfValue }[] = [{ node: top, box: null }];
  let pages = 0;
  let nodes = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.node instanceof Ref) {
      if (seen.has(next.node.number)) throw new BrokenSyntax('its list of pages runs in a circle');
      seen.add(next.node.number);
    }
    if (++nodes > NODES_PER_PAGE * limits.maxPages + 100)
      throw new BrokenSyntax('its list of pages does not end');
    const node = await file.resolve(next.node);
    if (!isDictionary(node)) throw new BrokenSyntax('a page is missing');
    const box = node.get('/MediaBox') ?? next.box;
    const kids = await file.resolve(node.get('/Kids'));
    if (isList(kids)) {
      if (kids.length > limits.maxPages * NODES_PER_PAGE)
        throw refuse.tooManyPages(PDF, kids.length, limits.maxPages);
      // From the last, so that pages are met in their order.
      for (const kid of kids.toReversed()) pending.push({ node: kid, box });
    } else {
      pages++;
      if (pages > limits.maxPages) throw refuse.tooManyPages(PDF, pages, limits.maxPages);
      await checkSize(file, box, pages);
    }
  }
  return pages;
}

async function checkSize(file: PdfFile, box: PdfValue, page: number): Promise<void> {
  const corners = await file.resolve(box);
  if (!isList(corners)) return;
  const [left, bottom, right, top] = corners.map((side) => (typeof side === 'number' ? side : 0));
  const width = Math.round(Math.abs((right ?? 0) - (left ?? 0)));
  const height = Math.round(Math.abs((top ?? 0) - (bottom ?? 0)));
  if (width <= MAX_SIDE_POINTS && height <= MAX_SIDE_POINTS) return;
  throw refuse.imageTooLarge(
    `page ${page} of the PDF`,
    width,
    height,
    `at most ${MAX_SIDE_POINTS} points (125 inches) a side are taken`,
  );
}
