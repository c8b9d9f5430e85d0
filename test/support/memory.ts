import { readdirSync, readFileSync } from 'node:fs';

/** Resident memory of this process and of every process below it, bytes; undefined where there is no /proc. */
export function treeMemory(): number | undefined {
  const children = new Map<number, number[]>();
  const resident = new Map<number, number>();
  try {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const status = statusOf(entry);
      if (!status) continue;
      const pid = Number(entry);
      resident.set(pid, status.resident);
      children.set(status.parent, [...(children.get(status.parent) ?? []), pid]);
    }
  } catch {
    return undefined;
  }
  const sum = (pid: number): number =>
    (resident.get(pid) ?? 0) + (children.get(pid) ?? []).reduce((total, child) => total + sum(child), 0);
  return sum(process.pid);
}

/** What /proc tells of a process; undefined when it has just ended. */
function statusOf(pid: string): { parent: number; resident: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const [, parent] = /^PPid:\s+(\d+)/m.exec(status) ?? [];
    const [, kilobytes = 0] = /^VmRSS:\s+(\d+) kB/m.exec(status) ?? [];
    return { parent: Number(parent), resident: Number(kilobytes) * 1024 };
  } catch {
    return undefined;
  }
}
