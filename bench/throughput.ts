import { PipelineProcess } from './pipeline-process.ts';
import { type MemorySample, watchMemory } from './process-tree.ts';
import type { Figure, Section } from './section.ts';
import { textOfOneKilobyte } from './texts.ts';

const BURST = 500;
const LONG = 5000;
const WARM_UP = 20;

/** Many texts of 1 kB at once: files per second until all have succeeded, and the memory it takes. */
export const throughput: Section = async ({ say, long }) => {
  say(`throughput: ${BURST} texts at once${long ? `, then ${LONG}` : ''}`);
  const pipeline = await PipelineProcess.start();
  try {
    await burst(pipeline, 'warm', WARM_UP);
    const short = await burst(pipeline, 'burst', BURST);
    const figures: Figure[] = [
      { what: `${BURST} texts at once`, value: short.perSecond, unit: 'files/s', aim: 200, more: 'better' },
      { what: 'the same, until the audit table has all', value: short.auditedPerSecond, unit: 'files/s' },
      { what: 'executions per file, most', value: short.executionsPerFile, unit: '', aim: 1 },
      ...memoryFigures(`${BURST} texts`, short.memory),
    ];
    if (!long) return { figures, details: { burst: short } };
    const sustained = await burst(pipeline, 'long', LONG);
    const half = sustained.memory.length / 2;
    const [first, second] = [sustained.memory.slice(0, half), sustained.memory.slice(half)];
    figures.push(
      { what: `${LONG} texts`, value: sustained.perSecond, unit: 'files/s' },
      { what: 'executions per file, most', value: sustained.executionsPerFile, unit: '', aim: 1 },
      ...memoryFigures(`${LONG} texts`, sustained.memory),
      {
        what: `growth of the peak, second half over first`,
        value: peak(second, 'pssMb') - peak(first, 'pssMb'),
        unit: 'MB',
      },
    );
    return { figures, details: { burst: short, long: sustained } };
  } finally {
    await pipeline.stop();
  }
};

const peak = (samples: readonly MemorySample[], name: 'pssMb' | 'rssMb' | 'rootMb' | 'processes') =>
  Math.max(...samples.map((sample) => sample[name]));

const memoryFigures = (of: string, samples: readonly MemorySample[]): Figure[] => [
  {
    what: `peak memory of all processes, ${of}`,
    value: peak(samples, 'pssMb'),
    unit: 'MB',
    aim: 1024,
    spread: `runtime alone ${peak(samples, 'rootMb').toFixed(0)}; RSS summed ${peak(samples, 'rssMb').toFixed(0)}; ${peak(samples, 'processes')} processes`,
  },
];

async function burst(pipeline: PipelineProcess, name: string, files: number) {
  let succeeded = 0;
  const failures: string[] = [];
  const all = Promise.withResolvers<void>();
  const ignore = pipeline.onEnd((fileId, status) => {
    if (status !== 'SUCCEEDED') failures.push(`${fileId} ${status}`);
    if (++succeeded === files) all.resolve();
  });
  const watch = watchMemory(pipeline.pid);
  const began = performance.now();
  const drops = Array.from({ length: files }, (_, number) =>
    pipeline.drop(`documents/${name}-${number}.txt`, textOfOneKilobyte(number)),
  );
  const fileIds = await Promise.all(drops);
  const droppedMs = performance.now() - began;
  await all.promise;
  const succeededMs = performance.now() - began;
  ignore();
  await pipeline.settled(fileIds, { loaded: false });
  const auditedMs = performance.now() - began;
  await pipeline.settled(fileIds, { loaded: true });
  const memory = watch.stop();
  if (failures.length > 0) throw new Error(`Not all texts succeeded: ${failures.slice(0, 3).join(', ')}`);
  const executions = await pipeline.executionsByFile();
  return {
    files,
    droppedMs,
    succeededMs,
    auditedMs,
    loadedMs: performance.now() - began,
    perSecond: files / (succeededMs / 1000),
    auditedPerSecond: files / (auditedMs / 1000),
    executionsPerFile: Math.max(...fileIds.map((id) => executions.get(id) ?? 0)),
    memory,
  };
}
