import { type DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import * as z from 'zod/mini';
import { partitionOf } from '../../datasets/dataset.ts';
import { attribute, attributes, plainOf } from '../shared/audit.ts';
import { AUDIT } from '../shared/contract.ts';
import { putIncident } from '../shared/incident.ts';
import type { Objects } from '../shared/objects.ts';
import { parse } from '../shared/parse.ts';
import {
  MISMATCHES,
  type Mismatch,
  RECONCILIATION_KEY,
  RECONCILIATION_PREFIX,
  type Step,
} from './contract.ts';
import { type Counts, type Found, type Ledger, Ledgers } from './ledger.ts';

export interface FinishedRun {
  readonly run: string;
  readonly startedAt: string;
  readonly batches: Readonly<Record<Step, number>>;
  readonly rowsFailure: string;
  readonly comparedRows: boolean;
}

export interface ReportDependencies {
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly events: Pick<EventBridgeClient, 'send'>;
  readonly objects: Objects;
  readonly auditTable: string;
  readonly lakeBucket: string;
  readonly now: number;
}

/** The summary of a run, as its item has it. */
export type Summary = {
  readonly Run: string;
  readonly StartedAt: string;
  readonly EndedAt: string;
  /** Counts by pipeline. */
  readonly Totals: { readonly [pipeline: string]: Counts };
  readonly Mismatches: { readonly [kind: string]: Found };
  readonly Unaccounted: number;
  /** Key of the report in the lake. */
  readonly Report: string;
  readonly RowsFailure?: string;
};

const JSON_LINES = 'application/x-ndjson';
/** Examples in an incident's summary. */
const SHOWN = 3;

/** Writes the report of a run. Everything it does may be done again. */
export async function writeReport(finished: FinishedRun, dependencies: ReportDependencies): Promise<Summary> {
  const { run, startedAt, rowsFailure, batches } = finished;
  const { dynamo, objects, auditTable, lakeBucket, now } = dependencies;
  const ledgers = new Ledgers(objects, lakeBucket, run);
  const steps: Ledger[] = [];
  for (const step of STEPS) steps.push(await ledgers.read(step, batches[step]));
  const days = new Map(steps.flatMap((ledger) => [...ledger.days]));
  const mismatches = addUp(steps);

  const totals: Record<string, Counts> = {};
  const lines = [...days].sort().map(([key, counts]) => {
    const [pipeline = '', day = ''] = key.split(' ');
    totals[pipeline] = sum(totals[pipeline], counts);
    return JSON.stringify({ run, checked_at: startedAt, pipeline, landed_on: day, ...counts });
  });
  const report = `${RECONCILIATION_PREFIX.report}${partitionOf(new Date(startedAt))}${run}.jsonl`;
  await objects.write(
    { bucket: lakeBucket, key: report },
    lines.map((line) => `${line}\n`).join(''),
    JSON_LINES,
  );

  const summary: Summary = {
    Run: run,
    StartedAt: startedAt,
    EndedAt: new Date(now).toISOString(),
    Totals: totals,
    Mismatches: Object.fromEntries(mismatches),
    Unaccounted: Object.values(totals).reduce((all, { unaccounted }) => all + unaccounted, 0),
    Report: report,
    ...(rowsFailure && { RowsFailure: rowsFailure }),
  };
  await tell(mismatches, finished, dependencies);
  await dynamo.send(
    new PutItemCommand({
      TableName: auditTable,
      Item: attributes({
        [AUDIT.partitionKey]: RECONCILIATION_KEY,
        [AUDIT.sortKey]: `${startedAt}#${run}`,
        ...summary,
      }),
    }),
  );
  return summary;
}

const STEPS: readonly Step[] = ['loads', 'landing', 'rows', 'tickets'];

function addUp(ledgers: readonly Ledger[]): Map<Mismatch, Found> {
  const all = new Map<Mismatch, Found>();
  for (const { mismatches } of ledgers) {
    for (const [kind, found] of mismatches) {
      const known = all.get(kind);
      all.set(kind, {
        found: (known?.found ?? 0) + found.found,
        repaired: (known?.repaired ?? 0) + found.repaired,
        again: (known?.again ?? 0) + found.again,
        examples: [...(known?.examples ?? []), ...found.examples].slice(0, 10),
      });
    }
  }
  return all;
}

function sum(known: Counts | undefined, counts: Counts): Counts {
  if (!known) return counts;
  const names = Object.keys(counts) as (keyof Counts)[];
  return Object.fromEntries(names.map((name) => [name, known[name] + counts[name]])) as Counts;
}

const State = z.looseObject({ Open: z._default(z.array(z.string()), []) });
const KINDS = Object.keys(MISMATCHES) as Mismatch[];

/**
 * A repair that did not help is an incident, until a run finds nothing of its kind that was repaired before. The table
 * says which incidents are open only after the help desk has been told.
 */
async function tell(
  mismatches: ReadonlyMap<Mismatch, Found>,
  { run, comparedRows }: FinishedRun,
  { dynamo, events, auditTable, now }: ReportDependencies,
): Promise<void> {
  const key = { [AUDIT.partitionKey]: { S: RECONCILIATION_KEY }, [AUDIT.sortKey]: { S: 'CURRENT' } };
  const at = new Date(now).toISOString();
  const update = async (expression: string, values: Record<string, string | readonly string[]>) => {
    const { Attributes = {} } = await dynamo.send(
      new UpdateItemCommand({
        TableName: auditTable,
        Key: key,
        UpdateExpression: expression,
        ExpressionAttributeNames: { '#open': 'Open' },
        ExpressionAttributeValues: Object.fromEntries(
          Object.entries(values).map(([name, value]) => [name, attribute(value)]),
        ),
        ReturnValues: 'ALL_NEW',
      }),
    );
    return parse(State, plainOf(Attributes), 'state of the reconciliation');
  };
  const { Open } = await update('SET #open = if_not_exists(#open, :none)', { ':none': [] });
  const open: string[] = [];
  for (const kind of KINDS) {
    const title = MISMATCHES[kind];
    const found = mismatches.get(kind);
    // What was not looked at is neither wrong nor right.
    if (kind === 'row-missing' && !comparedRows) {
      if (Open.includes(kind)) open.push(kind);
      continue;
    }
    const isWrong = title !== undefined && found !== undefined && found.again > 0;
    if (isWrong) open.push(kind);
    if (title === undefined || (!isWrong && !Open.includes(kind))) continue;
    await putIncident(events, {
      eventId: `reconciliation:${kind}:${run}`,
      key: `reconciliation:${kind}`,
      state: isWrong ? 'OPEN' : 'RESOLVED',
      severity: 'error',
      pipeline: 'reconciliation',
      title,
      summary: isWrong ? sentence(found) : 'The reconciliation finds nothing of it any more.',
      runbook: 'reconciliation',
      occurredAt: at,
      command: 'npx millrace reconcile',
    });
  }
  await update(
    comparedRows ? 'SET #open = :open, RowsComparedAt = :at' : 'SET #open = :open',
    comparedRows ? { ':open': open, ':at': at } : { ':open': open },
  );
}

function sentence({ again, found, examples }: Found): string {
  return `${again} of ${found} were repaired before, in vain, or are beyond repair; for example ${examples.slice(0, SHOWN).join(', ')}.`;
}
