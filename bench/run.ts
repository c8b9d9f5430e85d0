import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compaction } from './compaction.ts';
import { cost } from './cost.ts';
import { crm } from './crm.ts';
import { handlers } from './handlers.ts';
import { latency } from './latency.ts';
import { ocr } from './ocr.ts';
import type { Figure, Section, SectionResult } from './section.ts';
import { startup } from './startup.ts';
import { tables } from './tables.ts';
import { throughput } from './throughput.ts';
import { tickets } from './tickets.ts';

/** In the order in which they run. */
const SECTIONS: Readonly<Record<string, Section>> = {
  startup,
  handlers,
  latency,
  throughput,
  ocr,
  tables,
  compaction,
  crm,
  tickets,
  cost,
};

const HELP = `npm run bench -- [options]

Measures the pipeline on this machine, prints a table and writes bench/results.json.

  --only A,B   only these parts: ${Object.keys(SECTIONS).join(', ')}
  --long       also ${'5,000'} texts in one go (some minutes)
  --help       show this
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      long: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const root = join(import.meta.dirname, '..');
  const names = values.only?.split(',') ?? Object.keys(SECTIONS);
  const say = (message: string) => process.stderr.write(`${message}\n`);
  const results: Record<string, SectionResult> = {};
  const loads: number[] = [];
  for (const name of names) {
    const section = SECTIONS[name];
    if (!section) throw new Error(`There is no part "${name}": ${Object.keys(SECTIONS).join(', ')}`);
    loads.push(loadavg()[0] ?? 0);
    const result = await section({ root, long: values.long, say });
    results[name] = result;
    process.stdout.write(`\n${name}\n${table(result.figures)}\n`);
    for (const note of result.notes ?? []) process.stdout.write(`  ${note}\n`);
  }
  const machine = {
    cpus: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadBefore: loads,
  };
  const file = join(root, 'bench', 'results.json');
  writeFileSync(
    file,
    `${JSON.stringify({ date: new Date().toISOString(), machine, results }, undefined, 2)}\n`,
  );
  say(`\n${machine.cpus} × ${machine.model}, ${machine.memoryGb} GB, Node ${machine.node}`);
  return 0;
}

function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, value, unit, aim, more, spread }) => [
    what,
    `${shown(value)} ${unit}`.trim(),
    aim === undefined
      ? ''
      : `${more ? '≥' : '≤'} ${shown(aim)} ${(more ? value >= aim : value <= aim) ? 'met' : 'missed'}`,
    spread ?? '',
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
    .join('\n');
}

const shown = (value: number) =>
  value.toLocaleString('en', { maximumSignificantDigits: value < 100 ? 3 : 5, useGrouping: value >= 10_000 });

process.exitCode = await main();
