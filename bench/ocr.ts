import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PipelineProcess } from './pipeline-process.ts';
import type { Section } from './section.ts';
import { spreadOf } from './statistics.ts';

/** Scans only: the born-digital PDF has its text in it. */
const SCANS = [
  'photographed-letter.jpg',
  'rotated-scan.png',
  'two-columns.png',
  'scanned-contract.pdf',
  'fax.tiff',
];
const ROUNDS = 3;

/** Pages of the scanned samples through the whole pipeline, all dropped at once. */
export const ocr: Section = async ({ root, say }) => {
  say(`ocr: ${SCANS.length} scans, ${ROUNDS} rounds after a warm-up`);
  const pipeline = await PipelineProcess.start();
  try {
    const rates: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const began = performance.now();
      const fileIds = await Promise.all(
        SCANS.map((name) =>
          pipeline.drop(`documents/${round}/${basename(name)}`, readFileSync(join(root, 'samples', name))),
        ),
      );
      const states = await pipeline.settled(fileIds, { loaded: false });
      const seconds = (performance.now() - began) / 1000;
      const wrong = [...states.values()].find(({ status }) => status !== 'SUCCEEDED');
      if (wrong) throw new Error(`A scan did not succeed: ${JSON.stringify(wrong)}`);
      const pages = [...states.values()].reduce((sum, { result }) => sum + Number(result.pages), 0);
      if (round > 0) rates.push(pages / seconds);
    }
    const { median, min, max, count } = spreadOf(rates);
    const spread = `${min.toFixed(2)} to ${max.toFixed(2)}, n=${count}`;
    return {
      figures: [
        { what: 'OCR, whole pipeline', value: median, unit: 'pages/s', aim: 2.3, more: 'better', spread },
      ],
      details: { pagesPerSecond: rates },
    };
  } finally {
    await pipeline.stop();
  }
};
