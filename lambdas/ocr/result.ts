import { LAKE } from '../shared/contract.ts';
import { OcrFailed } from '../shared/errors.ts';
import { JSON_TYPE, type Objects, TEXT } from '../shared/objects.ts';
import type { OcrResult, OcrSucceeded } from './contract.ts';
import { hasTroubleOfTextract, refusalOfPages } from './refusals.ts';
import type { TextractPage } from './textract.ts';

/** The restricted part of the lake. */
export interface Shelf {
  readonly lake: Pick<Objects, 'write'>;
  readonly bucket: string;
}

/**
 * Writes what Textract found: each answer as it came, and the text with blank lines between pages. Only the text is
 * held in memory. Lines are in Textract's order, which is its reading order.
 *
 * A job with pages that could not be read (`PARTIAL_SUCCESS`) is a refusal that names them, unless Textract's own
 * trouble was the cause.
 * @throws OcrFailed for such trouble
 */
export async function store(
  fileId: string,
  answers: AsyncIterable<TextractPage>,
  api: OcrSucceeded['api'],
  { lake, bucket }: Shelf,
): Promise<OcrResult> {
  const folder = `${LAKE.restricted}documents/${fileId}/`;
  const prefix = `${folder}blocks/`;
  const pages = new Map<number, string[]>();
  const warnings: TextractPage['warnings'][number][] = [];
  let pageCount = 0;
  let words = 0;
  let confidence = 0;
  let number = 0;
  let isPartial = false;
  for await (const answer of answers) {
    number++;
    await lake.write(
      { bucket, key: `${prefix}${String(number).padStart(5, '0')}.json` },
      JSON.stringify({ Pages: answer.pages, Warnings: answer.warnings, Blocks: answer.blocks }),
      JSON_TYPE,
    );
    isPartial ||= answer.status === 'PARTIAL_SUCCESS';
    warnings.push(...answer.warnings);
    pageCount = Math.max(pageCount, answer.pages);
    for (const { BlockType, Text, Page = 1, Confidence = 0 } of answer.blocks) {
      if (BlockType === 'LINE' && Text !== undefined) {
        const lines = pages.get(Page) ?? [];
        lines.push(Text);
        pages.set(Page, lines);
      } else if (BlockType === 'WORD') {
        words++;
        confidence += Confidence;
      }
    }
  }
  if (isPartial) {
    if (hasTroubleOfTextract(warnings)) {
      throw new OcrFailed('Textract had trouble of its own with some pages. Run the file again.');
    }
    return refusalOfPages(warnings.flatMap((warning) => warning.pages));
  }
  const text = [...pages]
    .sort(([a], [b]) => a - b)
    .map(([, lines]) => `${lines.join('\n')}\n`)
    .join('\n');
  const ref = { bucket, key: `${folder}text.txt` };
  await lake.write(ref, text, TEXT);
  return {
    outcome: 'SUCCEEDED',
    text: ref,
    blocksPrefix: { bucket, prefix },
    pages: pageCount,
    meanConfidence: words === 0 ? null : Math.round((confidence / words) * 1000) / 1000,
    api,
  };
}
