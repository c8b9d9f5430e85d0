/** A point of a page; 0..1 from the left and the top edge. */
export type Point = readonly [x: number, y: number];

/** The corners of a piece of text, clockwise, beginning where the text begins at its top. */
export type Polygon = readonly [Point, Point, Point, Point];

export interface OcrWord {
  readonly text: string;
  /** 0..100 */
  readonly confidence: number;
  readonly polygon: Polygon;
}

export interface OcrLine extends OcrWord {
  readonly words: readonly OcrWord[];
}

/** The text of one page in reading order. */
export interface OcrPage {
  readonly lines: readonly OcrLine[];
}

/** A grey picture: one byte a pixel, row by row from the top, 0 is black. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export type UnreadableCode =
  | 'UNSUPPORTED_TYPE'
  | 'CORRUPT_FILE'
  | 'ENCRYPTED'
  | 'NO_PAGES'
  | 'TOO_MANY_PAGES'
  | 'IMAGE_TOO_LARGE'
  | 'CANCELLED';

/** Why a document cannot be read: its own fault, not the engine's. */
export class UnreadableDocument extends Error {
  override readonly name = 'UnreadableDocument';
  readonly code: UnreadableCode;

  constructor(code: UnreadableCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** The line or word that encloses others, with their mean confidence. */
export function lineOf(words: readonly OcrWord[]): OcrLine {
  const first = words[0];
  const last = words.at(-1);
  if (!first || !last) throw new Error('A line has at least one word.');
  const points = words.flatMap((word) => word.polygon);
  return {
    text: words.map((word) => word.text).join(' '),
    confidence: words.reduce((sum, word) => sum + word.confidence, 0) / words.length,
    polygon: orient(boxOf(points), centre(first.polygon), centre(last.polygon)),
    words,
  };
}

/** The upright rectangle around points, from its top left corner. */
export function boxOf(points: readonly Point[]): Polygon {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
}

const centre = ([[ax, ay], , [cx, cy]]: Polygon): Point => [(ax + cx) / 2, (ay + cy) / 2];

/** Begins the corners where the text begins, for text that runs from one point to another. */
function orient([topLeft, topRight, bottomRight, bottomLeft]: Polygon, from: Point, to: Point): Polygon {
  const dx = to[0] - from[0];
  const dy = to[1] - from[1];
  if (Math.abs(dx) >= Math.abs(dy)) {
    return dx >= 0
      ? [topLeft, topRight, bottomRight, bottomLeft]
      : [bottomRight, bottomLeft, topLeft, topRight];
  }
  return dy > 0 ? [topRight, bottomRight, bottomLeft, topLeft] : [bottomLeft, topLeft, topRight, bottomRight];
}
