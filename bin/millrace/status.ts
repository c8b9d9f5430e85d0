import {
  GetMetricDataCommand,
  type MetricDataQuery,
  paginateDescribeAlarms,
} from '@aws-sdk/client-cloudwatch';
import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import { TRIGGER_PIPELINES } from '../../lambdas/recorder/contract.ts';
import { METRIC, METRICS_NAMESPACE } from '../../lambdas/shared/contract.ts';
import { AuditReader } from './audit-table.ts';
import { command } from './command.ts';
import type { Deployment } from './deployment.ts';
import { EXIT } from './errors.ts';
import { exitOf, json, Progress, say, wholeNumber } from './io.ts';
import { mapInLanes } from './pace.ts';
import { readQueues } from './queues.ts';
import { isBalanced, Summary } from './reconciliation.ts';
import { shortened, table } from './table.ts';
import { type TicketItem, ticketsIn } from './tickets-table.ts';
import { DAY_MS, shownTime } from './time.ts';

/** How files did against what is promised for them. */
interface Objective {
  readonly pipeline: string;
  readonly days: number;
  readonly files: number;
  readonly inTime: number;
  /** 0 to 1; null where there were no files. */
  readonly share: number | null;
}

interface Status {
  readonly promised: { readonly share: number; readonly minutes: number } | null;
  readonly objectives: readonly Objective[];
  /** Files and loads by status, of the last days. */
  readonly files: Readonly<Record<string, number>>;
  readonly days: number;
  readonly queues: readonly { readonly queue: string; readonly waiting: number; readonly inFlight: number }[];
  readonly deadLetters: readonly { readonly queue: string; readonly messages: number }[];
  readonly alarms: readonly {
    readonly alarm: string;
    readonly since: string;
    readonly description: string;
  }[];
  readonly tickets: readonly TicketItem[];
  readonly reconciliation: {
    readonly endedAt: string;
    readonly balanced: boolean;
    readonly unaccounted: number;
  } | null;
  /** Desks whose secrets hold no connection yet: their tickets go to the second channel. */
  readonly unconnectedDesks: readonly string[];
}

/** Files under way are of the last two days: longer takes no execution. */
const COUNTED = { RECEIVED: 2, PROCESSING_INITIATED: 2, HELD: undefined, FAILED: undefined } as const;
const OBJECTIVE_DAYS = [1, 30] as const;

export const status = command({
  name: 'status',
  summary: 'objectives, backlog, failures, dead letters, alarms, tickets, all at a glance',
  about: `Shows how files did against the objective in the last day and the last 30, what waits and is under way, what
failed or is held, dead letters, alarms, open tickets, the last reconciliation, and desks that are not connected.

Exit status 1 when something wants somebody: failed files, dead letters, alarms, open tickets other than for the record,
a reconciliation that found something unaccounted for.`,
  options: {
    days: { type: 'text', value: 'N', about: 'count failed and held files of so many days (default 14)' },
  },
  examples: ['status', 'status --json'],
  async run(context, values) {
    const { io } = context;
    const days = wholeNumber('days', values.days ?? '14', { min: 1, max: 400 });
    const progress = new Progress(io);
    if (io.stderr.isTTY) progress.show('Asking …');
    const found = await ask(context.deployment, days);
    progress.clear();
    if (context.json) json(io, found);
    else say(io, shownStatus(found, io.stdout.columns));
    return io.signal.aborted ? EXIT.interrupted : exitOf(io, isWell(found));
  },
});

const isWell = ({ files, deadLetters, alarms, tickets, reconciliation }: Status): boolean =>
  files.FAILED === 0 &&
  deadLetters.length === 0 &&
  alarms.length === 0 &&
  tickets.every(({ Severity }) => Severity === 'info') &&
  reconciliation?.balanced !== false;

async function ask(deployment: Deployment, days: number): Promise<Status> {
  const reader = new AuditReader(deployment);
  const now = Date.now();
  const ticketsTable = deployment.optionalOutput('TicketsTableName');
  const [objectives, counts, queues, alarms, tickets, reconciliations, unconnectedDesks] = await Promise.all([
    objectivesOf(deployment, now),
    mapInLanes(Object.entries(COUNTED), 1, async ([name, back = days]) => {
      const count = await reader.count(name, now - back * DAY_MS, now + 60_000);
      return [name, count] as const;
    }),
    readQueues(deployment),
    alarmsOf(deployment),
    ticketsTable ? ticketsIn({ dynamo: deployment.dynamo, table: ticketsTable }, 'OPEN') : [],
    reader.reconciliations(1),
    unconnected(deployment),
  ]);
  const share = Number(deployment.optionalOutput('ObjectiveShare'));
  const minutes = Number(deployment.optionalOutput('ObjectiveMinutes'));
  const last = Summary.safeParse(reconciliations[0]).data;
  return {
    promised: share && minutes ? { share, minutes } : null,
    objectives,
    files: Object.fromEntries(counts),
    days,
    queues: queues
      .filter(({ isDeadLetters }) => !isDeadLetters)
      .map(({ name, waiting, delayed, inFlight }) => ({ queue: name, waiting: waiting + delayed, inFlight })),
    deadLetters: queues
      .filter(
        ({ isDeadLetters, waiting, inFlight, delayed }) => isDeadLetters && waiting + inFlight + delayed > 0,
      )
      .map(({ name, waiting, inFlight, delayed }) => ({
        queue: name,
        messages: waiting + inFlight + delayed,
      })),
    alarms,
    tickets,
    reconciliation: last
      ? { endedAt: last.EndedAt ?? last.StartedAt, balanced: isBalanced(last), unaccounted: last.Unaccounted }
      : null,
    unconnectedDesks,
  };
}

async function objectivesOf({ cloudwatch }: Deployment, now: number): Promise<Objective[]> {
  const pipelines = TRIGGER_PIPELINES.filter((pipeline) => pipeline !== 'warehouse-load');
  const wanted = pipelines.flatMap((pipeline) => OBJECTIVE_DAYS.map((days) => ({ pipeline, days })));
  return mapInLanes(wanted, 4, async ({ pipeline, days }) => {
    const query = (Id: string, MetricName: string): MetricDataQuery => ({
      Id,
      MetricStat: {
        Metric: {
          Namespace: METRICS_NAMESPACE,
          MetricName,
          Dimensions: [{ Name: 'Pipeline', Value: pipeline }],
        },
        Stat: 'Sum',
        Period: 3_600,
      },
    });
    const { MetricDataResults = [] } = await cloudwatch.send(
      new GetMetricDataCommand({
        StartTime: new Date(now - days * DAY_MS),
        EndTime: new Date(now + 60_000),
        MetricDataQueries: [query('files', METRIC.objectiveFiles), query('met', METRIC.objectiveMet)],
      }),
    );
    const sum = (id: string) =>
      (MetricDataResults.find(({ Id }) => Id === id)?.Values ?? []).reduce(
        (total, value) => total + value,
        0,
      );
    const files = sum('files');
    const inTime = sum('met');
    return { pipeline, days, files, inTime, share: files > 0 ? inTime / files : null };
  });
}

async function alarmsOf({ cloudwatch, prefix }: Deployment): Promise<Status['alarms']> {
  const alarms: { alarm: string; since: string; description: string }[] = [];
  const pages = paginateDescribeAlarms(
    { client: cloudwatch },
    { StateValue: 'ALARM', AlarmNamePrefix: `${prefix}-`, AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] },
  );
  for await (const { MetricAlarms = [], CompositeAlarms = [] } of pages) {
    for (const {
      AlarmName = '',
      AlarmDescription = '',
      StateTransitionedTimestamp,
      StateUpdatedTimestamp,
    } of [...MetricAlarms, ...CompositeAlarms]) {
      // Halves of composite alarms tell nobody, and so they do here.
      if (AlarmName.includes('-BurnRateWindows')) continue;
      alarms.push({
        alarm: AlarmName,
        since: (StateTransitionedTimestamp ?? StateUpdatedTimestamp)?.toISOString() ?? '',
        description: AlarmDescription.split('\n')[0] ?? '',
      });
    }
  }
  return alarms;
}

/** A secret that was never put has one version, the template's. What it holds is nobody's business here. */
async function unconnected(deployment: Deployment): Promise<string[]> {
  const secrets = [...deployment.outputsLike(/^Desk(\w+)SecretArn$/)];
  const found = await mapInLanes(secrets, 4, async ([name, SecretId]) => {
    const { VersionIdsToStages = {} } = await deployment.secrets.send(
      new DescribeSecretCommand({ SecretId }),
    );
    return { name, isConnected: Object.keys(VersionIdsToStages).length > 1 };
  });
  return found.filter(({ isConnected }) => !isConnected).map(({ name }) => name.toLowerCase());
}

const percent = (share: number) => `${(share * 100).toFixed(2)} %`;

function shownStatus(found: Status, width: number | undefined): string {
  const { promised, objectives, files, days, queues, deadLetters, alarms, tickets, reconciliation } = found;
  const busy = queues.filter(({ waiting, inFlight }) => waiting + inFlight > 0);
  // Sections are indented by two.
  const within = width && width - 2;
  const section = (title: string, body: string) => `${title}\n${body.replace(/^/gm, '  ')}`;
  return [
    section(
      `Objective${promised ? `: ${percent(promised.share)} of files within ${promised.minutes} minutes` : ''}`,
      table(objectives, [
        { title: 'Pipeline', of: ({ pipeline }) => pipeline },
        { title: 'Last', of: ({ days: back }) => (back === 1 ? 'day' : `${back} days`) },
        { title: 'Files', right: true, of: ({ files: count }) => count },
        { title: 'In time', right: true, of: ({ share }) => (share === null ? 'no files' : percent(share)) },
        {
          title: 'Error budget left',
          right: true,
          of: ({ share }) =>
            share === null || !promised ? '' : percent(Math.max(0, 1 - (1 - share) / (1 - promised.share))),
        },
      ]),
    ),
    section(
      'Files',
      `${(files.RECEIVED ?? 0) + (files.PROCESSING_INITIATED ?? 0)} under way; in the last ${days} days ${files.FAILED} failed, ${files.HELD} held${(files.FAILED ?? 0) > 0 ? '\nfailed: npx millrace redrive' : ''}${(files.HELD ?? 0) > 0 ? '\nheld: npx millrace release --all, or reject' : ''}`,
    ),
    section(
      'Queues',
      busy.length === 0
        ? 'empty'
        : table(busy, [
            { title: 'Queue', of: ({ queue }) => queue },
            { title: 'Waiting', right: true, of: ({ waiting }) => waiting },
            { title: 'Being worked on', right: true, of: ({ inFlight }) => inFlight },
          ]),
    ),
    section(
      'Dead letters',
      deadLetters.length === 0
        ? 'none'
        : table(deadLetters, [
            { title: 'Queue', of: ({ queue }) => queue },
            { title: 'Messages', right: true, of: ({ messages }) => messages },
          ]),
    ),
    section(
      'Alarms',
      alarms.length === 0
        ? 'none'
        : table(
            alarms,
            [
              { title: 'Since (UTC)', of: ({ since }) => shownTime(since) },
              { title: 'Alarm', of: ({ alarm }) => alarm },
              { title: 'What', of: ({ description }) => shortened(description, 120) },
            ],
            within,
          ),
    ),
    section(
      'Open tickets',
      tickets.length === 0
        ? 'none'
        : table(
            tickets,
            [
              { title: 'Ticket', of: ({ pk }) => pk.slice(0, 12) },
              { title: 'Severity', of: ({ Severity }) => Severity },
              { title: 'Since (UTC)', of: ({ FirstAt }) => shownTime(FirstAt) },
              { title: 'Times', right: true, of: ({ Count }) => Count },
              { title: 'Title', of: ({ Title }) => shortened(Title, 100) },
            ],
            within,
          ),
    ),
    section(
      'Last reconciliation',
      reconciliation
        ? `${shownTime(reconciliation.endedAt)}: ${reconciliation.balanced ? 'everything is accounted for' : `${reconciliation.unaccounted} objects unaccounted for`}`
        : 'none yet',
    ),
    ...(found.unconnectedDesks.length > 0
      ? [section('Desks that are not connected', found.unconnectedDesks.join(', '))]
      : []),
  ].join('\n\n');
}
