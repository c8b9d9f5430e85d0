import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createWorker, OEM, PSM, type Worker } from 'tesseract.js';
import { turnBack, turnQuarters } from './ocr-image.ts';
import { boxOf, type GreyImage, lineOf, type OcrPage, type OcrWord } from './ocr-types.ts';

/** English, the integer version of the LSTM model: as accurate on print as the float one and a third faster. */
const LANGUAGE_DATA = join(
  dirname(createRequire(import.meta.url).resolve('@tesseract.js-data/eng/package.json')),
  '4.0.0_best_int',
);

/** Upright print scores above 90, print on its head or its side below 60. */
const CONFIDENT = 75;

/** Share of the original's width and height that is enough to tell how a page is turned. */
const REDUCED = 0.6;

/** Reads pages one after the other with one instance of Tesseract in a thread of its own. */
export class Recogniser {
  readonly #tesseract: Promise<Worker>;

  constructor() {
    this.#tesseract = start();
  }

  /** Resolves when the language data is loaded. */
  async ready(): Promise<void> {
    await this.#tesseract;
  }

  /**
   * Reads a page that may be turned by a quarter, a half or three quarters. The ordinary page is read once; only when
   * that makes little sense the other turns are tried on a smaller picture.
   */
  async read(image: GreyImage): Promise<OcrPage> {
    const upright = await this.#recognise(image);
    if (upright.length === 0 || confidence(upright) >= CONFIDENT) return pageOf(upright);
    const small = turnQuarters(image, 0, REDUCED);
    let best = { quarters: 0, score: score(upright) };
    for (const quarters of [1, 2, 3]) {
      const candidate = score(await this.#recognise(turnQuarters(small, quarters)));
      if (candidate > best.score) best = { quarters, score: candidate };
    }
    if (best.quarters === 0) return pageOf(upright);
    const lines = await this.#recognise(turnQuarters(image, best.quarters));
    return pageOf(
      lines.map((words) =>
        words.map((word) => ({ ...word, polygon: turnBack(word.polygon, best.quarters) })),
      ),
    );
  }

  async stop(): Promise<void> {
    await (await this.#tesseract).terminate();
  }

  /** Lines of words in the order of Tesseract's layout analysis: block by block, so column by column. */
  async #recognise(image: GreyImage): Promise<OcrWord[][]> {
    const tesseract = await this.#tesseract;
    const { data } = await tesseract.recognize(portableGreymap(image), {}, { tsv: true, text: false });
    return linesOfTsv(data.tsv ?? '', image);
  }
}

async function start(): Promise<Worker> {
  const tesseract = await createWorker('eng', OEM.LSTM_ONLY, {
    langPath: LANGUAGE_DATA,
    cacheMethod: 'none',
    // Without a handler tesseract.js throws outside every promise.
    errorHandler: () => {},
  });
  await tesseract.setParameters({ tessedit_pageseg_mode: PSM.AUTO, user_defined_dpi: '300' });
  return tesseract;
}

/** Level of a row of Tesseract's TSV that is a word; the others are pages, blocks, paragraphs and lines. */
const WORD_ROW = '5';

function linesOfTsv(tsv: string, { width, height }: GreyImage): OcrWord[][] {
  const lines = new Map<string, OcrWord[]>();
  for (const row of tsv.split('\n')) {
    const [level, , block, paragraph, line, , left, top, wide, high, confidence, text] = row.split('\t');
    if (level !== WORD_ROW || !text?.trim()) continue;
    const word = {
      text,
      confidence: Math.max(0, Math.min(100, Number(confidence))),
      polygon: boxOf([
        [Number(left) / width, Number(top) / height],
        [(Number(left) + Number(wide)) / width, (Number(top) + Number(high)) / height],
      ]),
    };
    if (isSpeck(word)) continue;
    const key = `${block}/${paragraph}/${line}`;
    lines.set(key, [...(lines.get(key) ?? []), word]);
  }
  return [...lines.values()].map(mendCapitalI);
}

const heightOf = ({ polygon }: OcrWord) => polygon[2][1] - polygon[0][1];

/**
 * The model reads a lone sans-serif capital I as a bar. A bar reaches below the line, a capital does not: what is no
 * taller than the ascenders beside it is the capital.
 */
function mendCapitalI(words: OcrWord[]): OcrWord[] {
  const ascenders = words.filter(
    ({ text }) => /[A-Zbdfhkl]/.test(text) && !/[gjpqyQ,;()|[\]{}@$_]/.test(text),
  );
  const tallest = Math.max(0, ...ascenders.map(heightOf));
  return words.map((word) =>
    word.text === '|' && heightOf(word) <= tallest * 1.1 ? { ...word, text: 'I' } : word,
  );
}

/** Edges, shadows and dirt come out as lone signs with a low confidence. */
const isSpeck = ({ text, confidence }: OcrWord) => !/[\p{L}\p{N}]/u.test(text) && confidence < 60;

/** Mean over the characters, so that specks count little. */
function confidence(lines: readonly OcrWord[][]): number {
  const characters = lines.flat().reduce((sum, word) => sum + word.text.length, 0);
  return characters === 0 ? 0 : score(lines) / characters;
}

const score = (lines: readonly OcrWord[][]) =>
  lines.flat().reduce((sum, word) => sum + word.confidence * word.text.length, 0);

const pageOf = (lines: readonly OcrWord[][]): OcrPage => ({ lines: lines.map(lineOf) });

function portableGreymap({ width, height, pixels }: GreyImage): Buffer {
  return Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`, 'latin1'), pixels]);
}
