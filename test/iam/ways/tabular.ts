import { z } from 'zod';
import type { Shape } from '../../../local/services/service.ts';
import { csv, manySales, sale } from '../../support/tabular-files.ts';
import { type Landed, newId, type Stage } from '../stage.ts';
import { movesOf, type Way, type Ways } from './moves.ts';
import type { Props } from './props.ts';

const STATES = ['Inspect', 'Validate', 'Compare', 'CleanUp', 'Check', 'Archive', 'Publish', 'Quarantine'];
const Scheduled = z.object({ Payload: z.looseObject({}), FunctionName: z.string() });

/** The ways of tabular files, and of those that are expected. */
export async function tabularWays(stage: Stage, { orders }: Props): Promise<Ways> {
  const { invoke, run } = movesOf(stage);
  const wrong = await stage.land('sales/wrong.csv', csv([sale(1, { currency: 'gold' })]));

  /** Takes a file all the way, and answers what the functions were given, by the names of their states. */
  const payloadsOf = async (file: Landed): Promise<Map<string, Shape>> => {
    const executionArn = await stage.start('sales', { ...file }, `${newId().slice(0, 40)}`);
    await stage.follow(executionArn, async () => false);
    const found = new Map<string, Shape>();
    for (const { taskScheduledEventDetails } of await stage.account.history(executionArn)) {
      const scheduled = Scheduled.safeParse(JSON.parse(taskScheduledEventDetails?.parameters ?? '{}'));
      const state = STATES.find((name) =>
        scheduled.data?.FunctionName.includes(stage.id(`Tabular/${name}/Function`)),
      );
      if (scheduled.data && state) found.set(state, scheduled.data.Payload);
    }
    return found;
  };
  const [good, refused] = [
    await payloadsOf(await stage.land('sales/good.csv', csv(manySales(3)))),
    await payloadsOf(wrong),
  ];
  const payload = (state: string): Shape => good.get(state) ?? refused.get(state) ?? {};
  const step = (state: string, change: (payload: Shape) => Shape | Promise<Shape> = (same) => same): Way =>
    invoke(`Tabular/${state}`, async () => change(payload(state)));
  /** The payload about a version that there is not. */
  const gone = (given: Shape): Shape => {
    const file = Object(given.file);
    return { ...given, file: { ...file, source: { ...file.source, versionId: 'x'.repeat(32) } } };
  };
  const fileOf = (state: string) =>
    z.looseObject({ source: z.object({ fileId: z.string() }) }).parse(payload(state).file);
  /** The payload about a file of which nothing is known yet. */
  const unknown = (given: Shape): Shape => {
    const file = Object(given.file);
    return { ...given, file: { ...file, source: { ...file.source, fileId: newId() } } };
  };
  const keep = (fileId: string, name: string, value: unknown) =>
    stage.put(
      `operations/tabular/sales/${fileId}/${name}`,
      typeof value === 'string' ? value : JSON.stringify(value),
    );
  const result = (n: number, parts: readonly string[] = []) => ({
    chunk: { n, start: 0, end: 1, firstLine: 1 },
    rowsRead: 1,
    rows: 1,
    quarantined: 0,
    parts: parts.map((key) => ({ key, rows: 1, bytes: 1 })),
    codes: {},
    unknown: [],
    runBytes: [24],
  });

  const late: Way = async () => {
    await stage.putItem(stage.test.deployment.auditTable, {
      pk: 'RECONCILIATION',
      sk: 'CURRENT',
      'Watched sales/': new Date(0).toISOString(),
    });
    return stage.invoke('ExpectedFiles/Check', { at: '2025-03-12T12:00:00Z' });
  };

  return {
    'Tabular/Inspect': [
      invoke('Tabular/Inspect', () => ({ dataset: 'sales', input: wrong })),
      invoke('Tabular/Inspect', () => ({ dataset: 'sales', input: { ...wrong, fileId: newId() } })),
      invoke('Tabular/Inspect', () => ({ dataset: 'sales', input: { ...wrong, versionId: 'x'.repeat(32) } })),
    ],
    'Tabular/Validate': [
      step('Validate'),
      step('Validate', unknown),
      step('Validate', gone),
      invoke('Tabular/Validate', () => refused.get('Validate') ?? {}),
      // A part of an earlier reading that is none any more.
      step('Validate', async (given) => {
        await keep(fileOf('Validate').source.fileId, '0.json', result(0, ['loaded/sales/stale.parquet']));
        return given;
      }),
    ],
    'Tabular/Compare': [
      step('Compare'),
      // Two parts with one key.
      step('Compare', async (given) => {
        const fileId = newId();
        for (const n of [0, 1]) {
          await keep(fileId, `${n}.json`, result(n));
          await keep(fileId, `keys-${n}-0.bin`, '\0'.repeat(24));
        }
        const file = Object(given.file);
        return { ...given, file: { ...file, chunks: 2, source: { ...file.source, fileId } } };
      }),
    ],
    'Tabular/CleanUp': [
      invoke('Tabular/CleanUp', async () => {
        const given = payload('CleanUp');
        const { source } = fileOf('CleanUp');
        await keep(source.fileId, '0.json', result(0, ['loaded/sales/staged.parquet']));
        return given;
      }),
    ],
    'Tabular/Check': [step('Check')],
    'Tabular/Archive': [step('Archive'), step('Archive', gone)],
    'Tabular/Publish': [step('Publish')],
    'Tabular/Quarantine': [step('Quarantine'), step('Quarantine', gone)],
    'Sales/StateMachine': [
      // As if it had never been published.
      (refusal) => run('sales', { ...orders, fileId: newId() })(refusal),
      run('sales', { ...wrong }),
    ],
    'ExpectedFiles/Check': [late],
    'ExpectedFiles/StateMachine': [run('expected-files', {})],
  };
}
