import { createHash } from 'node:crypto';
import type { OcrPage, OcrWord, Polygon } from '../../engines/ocr.ts';
import type { Shape } from '../service.ts';

/** Version string of this engine, in the place of Textract's own. */
export const MODEL_VERSION = '1.0';

/**
 * Textract's blocks of one page: PAGE, then its LINEs in reading order, then their WORDs.
 * @param seed makes the ids of a request unlike those of another; the same seed gives the same ids
 * @param number from 1
 */
export function blocksOfPage(page: OcrPage, number: number, seed: string): Shape[] {
  const words: Shape[] = [];
  const lines = page.lines.map((line, lineIndex) => {
    const ids = line.words.map((word, wordIndex) => {
      const block = {
        BlockType: 'WORD',
        ...text(word),
        TextType: 'PRINTED',
        Id: blockId(seed, number, lineIndex, wordIndex),
        Page: number,
      };
      words.push(block);
      return block.Id;
    });
    return {
      BlockType: 'LINE',
      ...text(line),
      Id: blockId(seed, number, lineIndex),
      Relationships: [{ Type: 'CHILD', Ids: ids }],
      Page: number,
    };
  });
  const sheet: Polygon = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ];
  const root = {
    BlockType: 'PAGE',
    Geometry: geometry(sheet),
    Id: blockId(seed, number),
    ...(lines.length > 0 && { Relationships: [{ Type: 'CHILD', Ids: lines.map((line) => line.Id) }] }),
    Page: number,
  };
  return [root, ...lines, ...words];
}

const text = (word: OcrWord) => ({
  Confidence: word.confidence,
  Text: word.text,
  Geometry: geometry(word.polygon),
});

function geometry(polygon: Polygon): Shape {
  const xs = polygon.map(([x]) => x);
  const ys = polygon.map(([, y]) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return {
    BoundingBox: { Width: Math.max(...xs) - left, Height: Math.max(...ys) - top, Left: left, Top: top },
    Polygon: polygon.map(([X, Y]) => ({ X, Y })),
  };
}

/** A name-based UUID. */
function blockId(seed: string, ...place: number[]): string {
  const hex = createHash('sha256')
    .update(`${seed}/${place.join('/')}`)
    .digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
