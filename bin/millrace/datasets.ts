import { DATASETS } from '../../datasets/index.ts';
import { WAREHOUSE_TABLES } from '../../lambdas/warehouse-load/contract.ts';
import { command } from './command.ts';
import { EXIT } from './errors.ts';
import { json, note, say } from './io.ts';
import { type Column, table } from './table.ts';
import { shownTime, span } from './time.ts';
import { type Answer, ask, costOf, QueryFailed } from './warehouse.ts';

/** `LATE`: the last load is older than the declaration expects. `NEVER`: nothing was loaded yet. */
type Freshness = 'FRESH' | 'LATE' | 'NEVER';

interface Shown {
  readonly dataset: string;
  readonly origin: string;
  readonly rows: number;
  readonly loads: number;
  /** ISO 8601, UTC. */
  readonly lastLoadAt: string | null;
  readonly freshHours: number | null;
  /** Null where nothing is expected. */
  readonly freshness: Freshness | null;
}

const COLUMNS: readonly Column<Shown>[] = [
  { title: 'Dataset', of: ({ dataset }) => dataset },
  { title: 'Origin', of: ({ origin }) => origin },
  { title: 'Rows', right: true, of: ({ rows }) => rows },
  { title: 'Loads', right: true, of: ({ loads }) => loads },
  { title: 'Last load (UTC)', of: ({ lastLoadAt }) => (lastLoadAt ? shownTime(lastLoadAt) : '') },
  {
    title: 'Expected within',
    right: true,
    of: ({ freshHours }) => (freshHours === null ? '' : span(freshHours * 3_600_000)),
  },
  { title: 'Is', of: ({ freshness }) => freshness ?? '' },
];

const TIMEOUT_SECONDS = 120;

export const datasets = command({
  name: 'datasets',
  summary: 'each dataset: its rows, its last load, and whether it is fresh',
  about: `Shows every declared dataset with the rows that the warehouse holds, how often and when it was loaded last, and
whether that is within what the declaration expects (LATE where it is not, NEVER where nothing was loaded yet). Exit
status 1 when a dataset is late.`,
  options: {},
  examples: ['datasets', 'datasets --json'],
  async run(context) {
    const { io, deployment } = context;
    const schema = deployment.output('WarehouseSchema');
    const answer = await ask(deployment, statement(schema), {
      signal: io.signal,
      timeout: TIMEOUT_SECONDS,
      limit: 1_000,
    }).catch(noneLoaded);
    const shown = shownOf(answer, Date.now());
    if (context.json) json(io, shown);
    else say(io, table(shown, COLUMNS, io.stdout.columns));
    const cost = costOf(deployment, answer.seconds);
    if (cost) note(io, `${answer.seconds.toFixed(1)} s; ${cost}.`);
    return shown.some(({ freshness }) => freshness === 'LATE') ? EXIT.notGood : EXIT.done;
  },
});

function statement(schema: string): string {
  return Object.keys(DATASETS)
    .map(
      (name) =>
        `SELECT CAST('${name}' AS VARCHAR(128)) AS dataset, r.n AS row_count, l.n AS loads, CAST(l.loaded_at AS VARCHAR(32)) AS loaded_at` +
        ` FROM (SELECT COUNT(*) AS n FROM ${schema}.${name}) AS r CROSS JOIN` +
        ` (SELECT COUNT(*) AS n, MAX(loaded_at) AS loaded_at FROM ${schema}.${WAREHOUSE_TABLES.loads} WHERE dataset = '${name}') AS l`,
    )
    .join(' UNION ALL ');
}

/** The first load makes the tables. */
function noneLoaded(error: unknown): Answer {
  if (error instanceof QueryFailed && /does not exist|not found/i.test(error.message))
    return { columns: [], rows: [], found: 0, seconds: 0 };
  throw error;
}

function shownOf({ rows }: Answer, now: number): Shown[] {
  const found = new Map(rows.map(([name, ...rest]) => [name, rest]));
  return Object.values(DATASETS).map(({ name, origin, expectations }) => {
    const [count, loads, at] = found.get(name) ?? [];
    const lastLoadAt = typeof at === 'string' ? `${at.replace(' ', 'T').slice(0, 19)}Z` : null;
    const freshHours = expectations?.freshHours ?? null;
    return {
      dataset: name,
      origin,
      rows: Number(count ?? 0),
      loads: Number(loads ?? 0),
      lastLoadAt,
      freshHours,
      freshness: freshHours === null ? null : freshnessOf(lastLoadAt, freshHours, now),
    };
  });
}

function freshnessOf(lastLoadAt: string | null, freshHours: number, now: number): Freshness {
  if (lastLoadAt === null) return 'NEVER';
  return now - Date.parse(lastLoadAt) > freshHours * 3_600_000 ? 'LATE' : 'FRESH';
}
