import { decodeImage, tiffPages } from './ocr-image.ts';
import { type GreyImage, type OcrPage, UnreadableDocument } from './ocr-types.ts';
import { openPdf } from './pdf.ts';

export type DocumentKind = 'png' | 'jpeg' | 'pdf' | 'tiff';

/** A document that is open: its pages are prepared one by one, so that a long one needs no more memory than a short. */
export interface OpenDocument {
  readonly pageCount: number;
  /** @param index from 0 */
  page(index: number): Promise<{ readonly text: OcrPage } | { readonly image: GreyImage }>;
  close(): Promise<void>;
}

const SIGNATURES: readonly [kind: DocumentKind, matches: (bytes: Buffer) => boolean][] = [
  ['png', (bytes) => bytes.subarray(0, 8).equals(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))],
  ['jpeg', (bytes) => bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))],
  // Readers look for the PDF header in the first kilobyte.
  ['pdf', (bytes) => bytes.subarray(0, 1024).includes('%PDF-')],
  ['tiff', (bytes) => /^(II\*\0|MM\0\*)/.test(bytes.toString('latin1', 0, 4))],
];

/** What a file is by its first bytes, whatever it is called. */
export function kindOf(bytes: Buffer): DocumentKind | undefined {
  return SIGNATURES.find(([, matches]) => matches(bytes))?.[0];
}

const nothingToClose = async () => {};

const single = (image: Promise<GreyImage>): OpenDocument => ({
  pageCount: 1,
  page: async () => ({ image: await image }),
  close: nothingToClose,
});

const OPENERS: Readonly<Record<DocumentKind, (bytes: Buffer) => Promise<OpenDocument>>> = {
  png: async (bytes) => single(Promise.resolve(await decodeImage(bytes))),
  jpeg: async (bytes) => single(Promise.resolve(await decodeImage(bytes))),
  pdf: openPdf,
  async tiff(bytes) {
    const { count, page } = tiffPages(bytes);
    return { pageCount: count, page: async (index) => ({ image: await page(index) }), close: nothingToClose };
  },
};

/**
 * @param maxPages documents with more pages are refused before a page is read
 * @throws UnreadableDocument
 */
export async function openDocument(bytes: Buffer, maxPages: number): Promise<OpenDocument> {
  const kind = kindOf(bytes);
  if (!kind) throw new UnreadableDocument('UNSUPPORTED_TYPE', 'The file is no PNG, JPEG, PDF or TIFF.');
  const document = await OPENERS[kind](bytes);
  const refuse = async (code: 'NO_PAGES' | 'TOO_MANY_PAGES', message: string) => {
    await document.close();
    throw new UnreadableDocument(code, message);
  };
  if (document.pageCount === 0) await refuse('NO_PAGES', 'The document has no pages.');
  if (document.pageCount > maxPages) {
    await refuse(
      'TOO_MANY_PAGES',
      `The document has ${document.pageCount} pages; at most ${maxPages} are allowed.`,
    );
  }
  return document;
}
