import type { Shape } from '../../../local/services/service.ts';
import { type Landed, newId, type Stage } from '../stage.ts';
import { movesOf, type Way, type Ways } from './moves.ts';
import { asBatch, type Props } from './props.ts';

const WORK = 'operations/reconciliation/work';

/** The ways of the reconciliation, with something of each kind to put right. */
export async function reconciliationWays(stage: Stage, props: Props): Promise<Ways> {
  const { run } = movesOf(stage);
  const { deployment } = stage.test;
  const { auditTable } = deployment;
  const { text, orders, endings, load, record: curated } = props;
  const ticketsTable = deployment.output('TicketsTableName');

  /** Writes into the audit table how an execution ended. */
  const recorded = (name: string) =>
    stage.invoke('Recorder/Recorder', asBatch({ ...props.arrival, body: JSON.stringify(endings.get(name)) }));
  /** An execution that fails. */
  const fail = async (pipeline: string, input: unknown, name: string) => {
    const executionArn = await stage.start(pipeline, input, name);
    await stage.follow(executionArn, async () => false);
    return executionArn;
  };
  /** A file that has succeeded, as far as the audit table knows, with a record that is in no load. */
  const succeeded = ({ fileId }: Landed, key: string) =>
    stage.putItem(auditTable, {
      pk: fileId,
      sk: 'CURRENT',
      Status: 'SUCCEEDED',
      Timestamp: new Date(0).toISOString(),
      Result: { record: { bucket: stage.account.lake, key } },
    });
  /** A file of whose end the audit table has not heard; a new one, so that no batch under way tells of it. */
  const unheard = async (key = 'documents/ended.txt', pipeline = 'document-ingestion') => {
    const file = await stage.land(key, 'I have ended.');
    await stage.putItem(auditTable, {
      pk: file.fileId,
      sk: 'CURRENT',
      Status: 'PROCESSING_INITIATED',
      Timestamp: new Date(0).toISOString(),
      ExecutionArn: await fail(pipeline, {}, file.fileId),
    });
  };
  /** A ticket that waits for a file or load. */
  const awaited = (ticket: string, Member: string) =>
    stage.putItem(ticketsTable, {
      pk: ticket,
      sk: `MEMBER#${Member}`,
      Member,
      Key: ticket,
      At: new Date(0).toISOString(),
    });
  /** A load that fails; nobody has written down what it is to bring in. */
  const failedLoad = async (key: string) => {
    const loadId = newId();
    const manifest = { bucket: stage.account.lake, key: `manifests/documents/${loadId}.json` };
    await fail('warehouse-load', { loadId, dataset: 'documents', manifest }, loadId);
    await stage.put(manifest.key, JSON.stringify({ loadId, dataset: 'documents', entries: [{ key }] }));
    return loadId;
  };

  await recorded(text.fileId);
  await recorded(orders.fileId);
  await recorded(String(load.loadId));
  const failed = await stage.land('documents/failed.txt', 'I fail.');
  await fail('document-ingestion', {}, failed.fileId);
  await recorded(failed.fileId);
  await succeeded(await stage.land('documents/unloaded.txt', 'I am in no load.'), curated);
  await succeeded(await stage.land('documents/gone.txt', 'I am gone.'), `curated/documents/${newId()}.json`);
  await awaited('load', await failedLoad(curated));
  await failedLoad(`curated/documents/${newId()}.json`);
  await awaited('file', text.fileId);
  await awaited('orders', orders.fileId);
  await awaited('loaded', String(load.loadId));

  /** The second batch of a step, of a run of its own: what another run has repaired is repaired again. */
  const batch =
    (step: string, input: Shape = {}): Way =>
    async () => {
      const run = newId();
      const found = { found: 1, repaired: 1, again: 1, examples: [] };
      const ledger = JSON.stringify({ days: {}, mismatches: { 'lost-event': found } });
      await stage.put(`${WORK}/${run}/${step === 'Report' ? 'landing' : step.toLowerCase()}-1.json`, ledger);
      return stage.invoke(`Reconciliation/${step}`, {
        run,
        startedAt: stage.now.toISOString(),
        graceMinutes: 0,
        batch: 1,
        ...input,
      });
    };
  const rows = run('reconciliation', { step: 'rows' });
  const [, year, month, day] = /year=(\d+)\/month=(\d+)\/day=(\d+)/.exec(curated) ?? [];

  return {
    'Reconciliation/Loads states:StartExecution': [
      async (refusal) => {
        await failedLoad(`curated/documents/${newId()}.json`);
        return batch('Loads')(refusal);
      },
    ],
    'Reconciliation/Loads': [batch('Loads'), batch('Loads', { batch: 0 })],
    'Reconciliation/Landing sqs:SendMessage sqs:Recorder': [
      async (refusal) => {
        await unheard();
        return batch('Landing')(refusal);
      },
    ],
    'Reconciliation/Landing': [
      batch('Landing'),
      async (refusal) => {
        await unheard('sales/ended.csv', 'sales');
        return batch('Landing')(refusal);
      },
    ],
    'Reconciliation/Rows': [
      // A day whose rows the warehouse lacks.
      batch('Rows', {
        cursor: { phase: 'days', dataset: 0, years: [], days: [`${year}-${month}-${day}`], until: curated },
        rows: { Records: [] },
      }),
    ],
    'Reconciliation/Tickets': [
      batch('Tickets'),
      batch('Tickets', { cursor: { tickets: ['file'] } }),
      batch('Tickets', { cursor: { tickets: ['orders'] } }),
      batch('Tickets', { cursor: { tickets: ['loaded'] } }),
    ],
    'Reconciliation/Report': [
      batch('Report', {
        batches: { loads: 0, landing: 1, rows: 0, tickets: 0 },
        rowsFailure: '',
        comparedRows: false,
      }),
    ],
    'Reconciliation/StateMachine states:StartExecution': [run('reconciliation', { maxEvents: 1 })],
    'Reconciliation/StateMachine dynamodb:GetItem': [run('reconciliation', { scheduled: true })],
    'Reconciliation/StateMachine redshift-data': [rows],
    'Reconciliation/StateMachine secretsmanager': [rows],
    'Reconciliation/StateMachine': [
      run('reconciliation', { step: 'tickets' }),
      rows,
      run('reconciliation', {}),
    ],
  };
}
