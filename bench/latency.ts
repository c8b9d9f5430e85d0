import { PipelineProcess } from './pipeline-process.ts';
import type { Section } from './section.ts';
import { spreadOf } from './statistics.ts';
import { textOfOneKilobyte } from './texts.ts';

const WARM_UP = 20;
const FILES = 60;

/** From the PUT of a text of 1 kB to the end of its execution, one file at a time. */
export const latency: Section = async ({ say }) => {
  say(`latency: ${WARM_UP} + ${FILES} texts, one at a time`);
  const pipeline = await PipelineProcess.start();
  try {
    const ended: number[] = [];
    const audited: number[] = [];
    for (let i = 0; i < WARM_UP + FILES; i++) {
      const measured = await one(pipeline, i);
      if (i < WARM_UP) continue;
      ended.push(measured.endedMs);
      audited.push(measured.auditedMs);
    }
    const [end, audit] = [spreadOf(ended), spreadOf(audited)];
    const ms = (value: number) => value.toFixed(0);
    const range = ({ min, max, count }: typeof end) => `${ms(min)} to ${ms(max)}, n=${count}`;
    return {
      figures: [
        { what: 'PUT to SUCCEEDED, p50', value: end.median, unit: 'ms', aim: 80, spread: range(end) },
        { what: 'PUT to SUCCEEDED, p95', value: end.p95, unit: 'ms', aim: 150 },
        {
          what: 'PUT to outcome in the audit table, p50',
          value: audit.median,
          unit: 'ms',
          spread: range(audit),
        },
        { what: 'PUT to outcome in the audit table, p95', value: audit.p95, unit: 'ms' },
      ],
      details: { endedMs: ended, auditedMs: audited },
    };
  } finally {
    await pipeline.stop();
  }
};

async function one(pipeline: PipelineProcess, number: number) {
  const ends = new Map<string, number>();
  let heard = () => {};
  const ignore = pipeline.onEnd((fileId) => {
    ends.set(fileId, performance.now());
    heard();
  });
  const began = performance.now();
  const fileId = await pipeline.drop(`documents/latency-${number}.txt`, textOfOneKilobyte(number));
  while (!ends.has(fileId)) {
    await new Promise<void>((resolve) => {
      heard = resolve;
    });
  }
  ignore();
  const endedMs = (ends.get(fileId) ?? 0) - began;
  await pipeline.settled([fileId], { loaded: false });
  return { endedMs, auditedMs: performance.now() - began };
}
