import { readdirSync, readFileSync } from 'node:fs';

const MEGABYTE = 2 ** 20;
const PAGE_BYTES = 4096;
/** How often memory is looked at, milliseconds. */
const INTERVAL_MS = 250;

export interface MemorySample {
  /** Seconds since the watch began. */
  readonly seconds: number;
  readonly processes: number;
  /** Resident memory of all processes, MB; pages that two share count twice. */
  readonly rssMb: number;
  /** Resident memory with shared pages divided among those who share them, MB: what the tree really takes. */
  readonly pssMb: number;
  /** Resident memory of the root process alone, MB. */
  readonly rootMb: number;
}

/** Watches the memory of a process and its descendants through /proc (Linux only) until told to stop. */
export function watchMemory(root: number): { stop(): MemorySample[] } {
  const began = performance.now();
  const samples: MemorySample[] = [];
  const look = () => samples.push({ seconds: (performance.now() - began) / 1000, ...memoryOf(root) });
  look();
  const timer = setInterval(look, INTERVAL_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
      return samples;
    },
  };
}

function memoryOf(root: number): Omit<MemorySample, 'seconds'> {
  const pids = treeOf(root);
  const rss = pids.map((pid) => Number(read(pid, 'statm').split(' ')[1] ?? 0) * PAGE_BYTES);
  const pss = pids.map((pid) => Number(/^Pss:\s+(\d+) kB/m.exec(read(pid, 'smaps_rollup'))?.[1] ?? 0) * 1024);
  return {
    processes: pids.length,
    rssMb: sum(rss) / MEGABYTE,
    pssMb: sum(pss) / MEGABYTE,
    rootMb: (rss[0] ?? 0) / MEGABYTE,
  };
}

/** The process and its descendants. */
export function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    // The name of the program, in brackets, may hold anything; the parent is the second field after it.
    const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(read(Number(name), 'stat'))?.[1]);
    if (parent) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** A file of a process; empty when the process is gone. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
