import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Canvas, createCanvas, GlobalFonts } from '@napi-rs/canvas';

// Liberation Sans (SIL Open Font License) comes with pdf.js, so that the pictures are the same on every machine.
const fonts = join(
  dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json')),
  'standard_fonts',
);
GlobalFonts.registerFromPath(join(fonts, 'LiberationSans-Regular.ttf'), 'Sample Sans');
GlobalFonts.registerFromPath(join(fonts, 'LiberationSans-Bold.ttf'), 'Sample Sans');

/** A4 at 150 dots per inch, in pixels. */
export const A4 = { width: 1240, height: 1754 } as const;

export interface Column {
  readonly text: string;
  /** Pixels from the left edge. */
  readonly left: number;
}

/** Draws black lines of text on a white page. */
export function drawPage(
  columns: readonly Column[],
  options: { width?: number; height?: number; top?: number; fontSize?: number } = {},
): Canvas {
  const { width = A4.width, height = A4.height, top = 170, fontSize = 36 } = options;
  const canvas = createCanvas(width, height);
  const pen = canvas.getContext('2d');
  pen.fillStyle = '#ffffff';
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = '#1a1a1a';
  pen.font = `${fontSize}px "Sample Sans"`;
  pen.textBaseline = 'alphabetic';
  for (const { text, left } of columns) {
    for (const [index, line] of text.split('\n').entries()) {
      pen.fillText(line, left, top + Math.round(index * fontSize * 1.55));
    }
  }
  return canvas;
}

/** The picture turned clockwise by a quarter. */
export function turnQuarter(source: Canvas): Canvas {
  const canvas = createCanvas(source.height, source.width);
  const pen = canvas.getContext('2d');
  pen.translate(source.height, 0);
  pen.rotate(Math.PI / 2);
  pen.drawImage(source, 0, 0);
  return canvas;
}

/** What a telephone makes of a letter on a table: turned by 1.7°, darker towards the corners, yellowish and noisy. */
export function photograph(letter: Canvas): Canvas {
  const { width, height } = letter;
  const canvas = createCanvas(width, height);
  const pen = canvas.getContext('2d');
  pen.fillStyle = '#6b5a48';
  pen.fillRect(0, 0, width, height);
  pen.translate(width / 2, height / 2);
  pen.rotate((1.7 * Math.PI) / 180);
  pen.scale(0.95, 0.95);
  pen.drawImage(letter, -width / 2, -height / 2);
  pen.setTransform(1, 0, 0, 1, 0, 0);

  const picture = pen.getImageData(0, 0, width, height);
  const random = seeded(20260514);
  for (let i = 0; i < picture.data.length; i += 4) {
    const x = ((i / 4) % width) / width - 0.5;
    const y = Math.floor(i / 4 / width) / height - 0.45;
    const light = 1 - 0.9 * (x * x + y * y);
    const noise = (random() - 0.5) * 18;
    picture.data[i] = (picture.data[i] ?? 0) * light + noise;
    picture.data[i + 1] = (picture.data[i + 1] ?? 0) * light * 0.97 + noise;
    picture.data[i + 2] = (picture.data[i + 2] ?? 0) * light * 0.88 + noise;
  }
  pen.putImageData(picture, 0, 0);
  return canvas;
}

/** A small generator of numbers in [0, 1), the same on every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
