import { z } from 'zod';
import type { Column } from './table.ts';

const Counts = z.record(z.string(), z.number());

/** The summary of a reconciliation, as it stands in the audit table. */
export const Summary = z.looseObject({
  Run: z.string(),
  StartedAt: z.string(),
  EndedAt: z.string().optional(),
  Totals: z.record(z.string(), Counts).default({}),
  Mismatches: z
    .record(
      z.string(),
      z.looseObject({
        found: z.number().default(0),
        repaired: z.number().default(0),
        again: z.number().default(0),
        examples: z.array(z.string()).default([]),
      }),
    )
    .default({}),
  Unaccounted: z.number().default(0),
  Report: z.unknown(),
});
export type Summary = z.output<typeof Summary>;

type Totals = readonly [pipeline: string, counts: Readonly<Record<string, number>>];
type Mismatch = readonly [kind: string, Summary['Mismatches'][string]];

/** received = succeeded + rejected + failed + held + in flight + unaccounted */
const COUNTS = {
  Received: 'received',
  Succeeded: 'succeeded',
  Rejected: 'rejected',
  Failed: 'failed',
  Held: 'held',
  'In flight': 'in_flight',
  Unaccounted: 'unaccounted',
  'Not loaded': 'not_loaded',
} as const;

export const TOTAL_COLUMNS: readonly Column<Totals>[] = [
  { title: 'Pipeline', of: ([pipeline]) => pipeline },
  ...Object.entries(COUNTS).map(([title, name]) => ({
    title,
    right: true,
    of: ([, counts]: Totals) => counts[name],
  })),
];

export const MISMATCH_COLUMNS: readonly Column<Mismatch>[] = [
  { title: 'Mismatch', of: ([kind]) => kind },
  { title: 'Found', right: true, of: ([, { found }]) => found },
  { title: 'Repaired', right: true, of: ([, { repaired }]) => repaired },
  { title: 'Repair did not help', right: true, of: ([, { again }]) => again },
  { title: 'For example', of: ([, { examples }]) => examples[0] },
];

export const isBalanced = ({ Unaccounted, Mismatches }: Summary): boolean =>
  Unaccounted === 0 && Object.values(Mismatches).every(({ again }) => again === 0);
