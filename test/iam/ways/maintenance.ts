import { RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { customers } from '../../../datasets/customers.ts';
import { type Dataset, partitionOf } from '../../../datasets/dataset.ts';
import { sales } from '../../../datasets/sales.ts';
import { compactionKey } from '../../../lambdas/maintenance/contract.ts';
import type { Row } from '../../../lambdas/shared/dataset/values.ts';
import type { Shape } from '../../../local/services/service.ts';
import { customer, putFile, sale } from '../../support/lake-writer.ts';
import { newId, type Stage } from '../stage.ts';
import { movesOf, type Way, type Ways } from './moves.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Small files of a partition that are enough for compaction. */
const FILES = 11;

/** The ways of the lake's maintenance. Each is about days that no other is about. */
export function maintenanceWays(stage: Stage): Ways {
  const { follow, invoke, run } = movesOf(stage);
  const { faults } = stage.test.runtime;
  const days = (function* () {
    for (let day = Date.UTC(2020, 0, 1); ; day += DAY) yield new Date(day);
  })();
  const nextDay = (): Date => {
    const { value } = days.next();
    return value instanceof Date ? value : new Date(0);
  };

  const ROWS: readonly (readonly [Dataset, (id: string, day: Date) => Row])[] = [
    [customers, customer],
    [sales, (id, day) => sale(id, day, 1n)],
  ];
  /** Files of a day, hours old as far as the steps know. */
  const put = async (dataset: Dataset, options: { count?: number; day?: Date; published?: boolean } = {}) => {
    const { count = FILES, day = nextDay(), published } = options;
    const rowOf = ROWS.find(([known]) => known === dataset)?.[1] ?? customer;
    for (let i = 0; i < count; i += 1) {
      const sourceFile = `${newId()}.json`;
      await putFile(stage.account, {
        dataset,
        sourceFile,
        landedAt: day,
        rows: [rowOf(sourceFile, day)],
        ...(published !== undefined && { published }),
      });
    }
    return { dataset: dataset.name, partition: partitionOf(day) };
  };
  const later = (ms = 7 * HOUR): string => new Date(stage.now.getTime() + ms).toISOString();
  const batch = (input: Shape = {}): Shape => ({
    run: newId(),
    startedAt: later(),
    batch: 0,
    cursor: null,
    ...input,
  });
  const step = (name: string, input: () => Shape | Promise<Shape>): Way =>
    invoke(`Maintenance/${name}`, input);

  /** A partition that has been looked at. */
  const looked = async (dataset: Dataset): Promise<Shape> => {
    const input = { run: newId(), startedAt: later(), ...(await put(dataset)) };
    await stage.invoke('Maintenance/Look', input);
    return { ...input, group: 0 };
  };
  /** One whose files have been written anew. */
  const compacted = async (dataset: Dataset): Promise<Shape> => {
    const input = await looked(dataset);
    const [answer = ''] = (await stage.invoke('Maintenance/Compact', input)).split('\n');
    return { ...input, ...JSON.parse(answer), isLast: true };
  };
  const swapped = async (dataset: Dataset): Promise<Shape> => {
    const input = await compacted(dataset);
    await stage.invoke('Maintenance/Swap', input);
    return input;
  };
  const retired = (dataset: Dataset): Promise<Shape> =>
    swapped(dataset).then(() =>
      batch({
        startedAt: later(30 * DAY),
        planned: 0,
        cursor: { step: 'retired', dataset: dataset.name, after: '' },
      }),
    );
  /** Files that may be abandoned, as the plan has noted them. */
  const suspects = async (dataset: Dataset, published: boolean): Promise<Shape> => {
    await put(dataset, { count: 1, published });
    const input = batch({ startedAt: later(16 * DAY) });
    await stage.invoke('Maintenance/Plan', input);
    return { ...input, planned: 1, cursor: { step: 'abandoned', planned: 0 } };
  };
  const expired = (dataset: Dataset, part: string): Promise<Shape> =>
    put(dataset, { count: 1, day: new Date('2005-01-02T03:04:05Z') }).then(async ({ partition }) => {
      const compaction = { dataset: dataset.name, partition, added: [], retired: [], waiting: [] };
      await stage.put(compactionKey(dataset.name, partition), JSON.stringify(compaction));
      return batch({ except: [], cursor: { dataset: dataset.name, step: part } });
    });

  const night = async (): Promise<Shape> => {
    await put(customers);
    await put(sales, { count: 1, day: new Date('2005-01-02T03:04:05Z') });
    return { startedAt: later() };
  };
  /** A Map Run whose results could not be written goes on from there. */
  const redrive: Way = async (refusal) => {
    faults.set([{ fault: 'failing', service: 's3', operations: ['PutObject'], callers: ['state-machine'] }]);
    const executionArn = await stage.start('maintenance', await night());
    await follow(executionArn, /ResultWriterFailed/).finally(() => faults.clear());
    await stage.account.sfn.send(new RedriveExecutionCommand({ executionArn }));
    return follow(executionArn, refusal);
  };
  const nightly: Way = async (refusal) => run('maintenance', await night())(refusal);

  return {
    'Maintenance/Plan': [
      step('Plan', async () => {
        await put(customers);
        return batch();
      }),
      step('Plan', async () => {
        await swapped(sales);
        return batch();
      }),
    ],
    'Maintenance/Look': [
      ...[customers, sales].map((dataset) =>
        step('Look', async () => ({ run: newId(), startedAt: later(), ...(await put(dataset)) })),
      ),
      ...[customers, sales].map((dataset) =>
        step('Look', async () => ({
          run: newId(),
          startedAt: later(),
          ...(await put(dataset, { count: 1, published: false })),
        })),
      ),
    ],
    'Maintenance/Compact': [step('Compact', () => looked(customers))],
    'Maintenance/Swap': [step('Swap', () => compacted(customers)), step('Swap', () => swapped(customers))],
    'Maintenance/Delete': [
      step('Delete', () => retired(customers)),
      step('Delete', () => retired(sales)),
      ...[customers, sales].flatMap((dataset) =>
        [true, false].map((published) => step('Delete', () => suspects(dataset, published))),
      ),
    ],
    'Maintenance/Expired': [step('Expired', () => ({ run: newId(), startedAt: later() }))],
    'Maintenance/Retain': ['loaded', 'compactions', 'sources'].map((part) =>
      step('Retain', () => expired(sales, part)),
    ),
    'Maintenance/Report': [
      step('Report', async () => {
        const { run: name, startedAt } = await swapped(customers);
        return { run: String(name), startedAt: String(startedAt) };
      }),
    ],
    'Maintenance/StateMachine states:RedriveExecution': [redrive],
    'Maintenance/StateMachine': [nightly],
  };
}
