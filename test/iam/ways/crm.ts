import { createHash } from 'node:crypto';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import type { Shape } from '../../../local/services/service.ts';
import { SmallZendesk, says, smallTicket } from '../../support/small-zendesk.ts';
import { newId, type Stage } from '../stage.ts';
import { executionOf, movesOf, type Way, type Ways } from './moves.ts';

/** The ways of the CRM's runs. */
export async function crmWays(stage: Stage): Promise<Ways> {
  const { invoke, run } = movesOf(stage);
  const { deployment, client } = stage.test;
  const zendesk = await new SmallZendesk().start();
  zendesk.unref();
  zendesk.changes.push(...Array.from({ length: 100 }, (_, n) => smallTicket(n + 1)));
  await new SecretsManagerClient(client).send(
    new PutSecretValueCommand({
      SecretId: deployment.output('CrmSecretArn'),
      SecretString: zendesk.connection(1),
    }),
  );
  /** An execution that nobody knows: whoever had the cursor before is asked about. */
  const execution = () => executionOf(stage);

  const fetch: Way = async () => {
    stage.skip(61);
    return stage.invoke('CrmTickets/Fetch', { execution: execution() });
  };
  /** The second attempt at a page whose first one failed: it looks whether the page is there. */
  const again: Way = async (refusal) => {
    zendesk.odd.push(says(500));
    await fetch(refusal);
    return fetch(refusal);
  };

  /** A page with a text that is new, and a ticket and a customer that are refused. */
  const page = async (sequence = 0, isAnalysed = false): Promise<Shape> => {
    const fileId = newId();
    const key = `raw/crm/test/year=2026/month=11/day=21/${fileId}.json`;
    const description = `It is broken, ${fileId}.`;
    const times = { created_at: '2026-11-01T00:00:00Z', updated_at: '2026-11-01T01:00:00Z' };
    const records = {
      tickets: [
        {
          ticket_id: fileId,
          status: 'open',
          is_open: true,
          subject: 'Help',
          description,
          tags: [],
          ...times,
        },
        { ticket_id: 'bad', tags: [] },
      ],
      customers: [{ customer_id: fileId, crm_id: fileId, ...times }, { customer_id: 'bad' }],
    };
    const known = { format: 'records', source: 'test', sequence, fetchedAt: '2026-11-21T00:00:00.000Z' };
    const rest = { position: '', next: '', end: true, tickets: 2, body: JSON.stringify(records) };
    await stage.put(key, JSON.stringify({ ...known, ...rest }));
    if (isAnalysed) {
      const sha256 = createHash('sha256').update(`Help\n\n${description}`).digest('hex');
      const analysis = { language: 'en', sentiment: 'NEGATIVE', sentimentScore: -1, subject: 'Help' };
      await stage.put(`analysis/tickets/${sha256}.json`, JSON.stringify(analysis));
    }
    return { fileId, key, source: 'test', fetchedAt: known.fetchedAt, sequence };
  };

  const validate = (pages: () => Promise<Shape[] | null>): Way =>
    invoke('CrmTickets/Validate', async () => ({
      execution: execution(),
      round: 1,
      source: 'test',
      pages: await pages(),
    }));
  /** What ValidateData would say of a page that is validated. */
  const validated = async (): Promise<Shape> => {
    const pages = { bucket: stage.account.lake, key: `raw/crm-work/rounds/${newId()}/pages.json` };
    await stage.put(pages.key, JSON.stringify([await page(1, true)]));
    const counts = { read: 2, accepted: 1, quarantined: 1 };
    const rest = { pageCount: 1, morePages: false, textCount: 0, tickets: counts, customers: counts };
    return { validated: { pages, texts: pages, ...rest } };
  };
  const take = (isAnalysed: boolean): Way => {
    return async (refusal) => run('crm-tickets', { pages: [await page(0, isAnalysed)] })(refusal);
  };
  /** An execution is stopped while it waits for another one. */
  const stop =
    (isAnalysed: boolean, pipeline: 'sentiment' | 'warehouse-load'): Way =>
    async () => {
      const { faults } = stage.test.runtime;
      // The load waits for its statements, and the analysis for who empties its queue.
      faults.set([{ fault: 'slow', service: 'redshift-data', seconds: 60 }]);
      const known = new Set((await stage.account.executions(pipeline)).map(({ name }) => name));
      const input = { pages: [await page(0, isAnalysed)] };
      return stage
        .warning(/StopExecution/, async () => {
          const executionArn = await stage.start('crm-tickets', input);
          await stage.account.until('a child', async () =>
            (await stage.account.executions(pipeline)).some(({ name }) => !known.has(name)),
          );
          await stage.account.sfn.send(new StopExecutionCommand({ executionArn }));
        })
        .finally(() => faults.clear());
    };
  const due = async (): Promise<string> => {
    await stage.occur('CrmTickets/Schedule');
    return (await stage.receive('CrmTickets/DeadLetters')).error ?? '';
  };

  return {
    'CrmTickets/Fetch': [fetch, again],
    'CrmTickets/Validate': [validate(async () => [await page()]), validate(async () => null)],
    'CrmTickets/Enrich': [invoke('CrmTickets/Enrich', validated)],
    'CrmTickets/Settle': [invoke('CrmTickets/Settle', validated)],
    'CrmTickets/StateMachine lambda:InvokeFunction lambda:function:CrmTickets/Fetch': [
      run('crm-tickets', {}),
    ],
    'CrmTickets/StateMachine states:StopExecution states:execution:Sentiment': [stop(false, 'sentiment')],
    'CrmTickets/StateMachine states:StopExecution states:execution:WarehouseLoad': [
      stop(true, 'warehouse-load'),
    ],
    'CrmTickets/StateMachine': [take(true), take(false)],
    'CrmTickets/Schedule states:StartExecution': [due],
    'CrmTickets/Schedule': [
      () => stage.warning(/dead-letter queue refused/, () => stage.occur('CrmTickets/Schedule')),
    ],
  };
}
