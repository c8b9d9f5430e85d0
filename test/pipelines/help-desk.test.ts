import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { CurrentItem, ticketIdOf } from '../../lambdas/help-desk/ticket.ts';
import { plainOf } from '../../lambdas/shared/audit.ts';
import { putIncident } from '../../lambdas/shared/incident.ts';
import { Account } from '../support/account.ts';
import { deny } from '../support/deny.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

describe('the help desk of the deployed template', { timeout: 600_000 }, () => {
  let runtime: TestRuntime;
  let account: Account;
  before(async () => {
    runtime = await startTestRuntime();
    account = new Account(runtime);
  });
  after(() => runtime?.stop());

  async function ticket(id: string): Promise<CurrentItem | undefined> {
    const { Item } = await account.dynamo.send(
      new GetItemCommand({
        TableName: runtime.deployment.output('TicketsTableName'),
        Key: { pk: { S: id }, sk: { S: 'CURRENT' } },
        ConsistentRead: true,
      }),
    );
    return Item && CurrentItem.parse(plainOf(Item));
  }
  const inState = (id: string, state: string) =>
    account.until(`the ticket to be ${state}`, async () => {
      const found = await ticket(id);
      return found?.State === state && found;
    });

  test('failed executions for one reason are one ticket, which their redrives resolve', async () => {
    const allow = deny(runtime, 'DocumentIngestion/Publish/Role', 's3:PutObject');
    const files = await Promise.all(
      ['one', 'two'].map((name) => runtime.drop(`documents/${name}.txt`, `${name}: it works, thank you.`)),
    );
    for (const id of files)
      await account.until('the failure', async () => (await account.status(id)) === 'FAILED');
    const latest = await Promise.all(
      files.map((id) =>
        account.until('what is known of the executions', async () => {
          const { Item } = await account.dynamo.send(
            new GetItemCommand({
              TableName: runtime.deployment.output('TicketsTableName'),
              Key: { pk: { S: `document-ingestion#${id}` }, sk: { S: 'LATEST' } },
            }),
          );
          return Item && plainOf(Item);
        }),
      ),
    );
    const keys = new Set(latest.flatMap(({ Keys }) => (Array.isArray(Keys) ? Keys : [])));
    assert.equal(keys.size, 1, [...keys].join('\n'));
    const id = ticketIdOf(String([...keys][0]));
    const open = await account.until('both files in the ticket', async () => {
      const found = await ticket(id);
      return found?.Members === 2 && found;
    });
    assert.equal(open.State, 'OPEN');
    assert.match(open.Command ?? '', /^npx millrace redrive --pipeline document-ingestion --error \w+/);

    allow();
    for (const file of files) {
      const [execution] = await account.executions('document-ingestion', file);
      await account.sfn.send(new RedriveExecutionCommand({ executionArn: execution?.executionArn }));
    }
    const resolved = await inState(id, 'RESOLVED');
    assert.deepEqual([resolved.Members, resolved.Generation], [0, 1]);
  });

  test('an incident on the bus and an alarm of the tickets become tickets; an alarm on the help desk does not', async () => {
    const events = new EventBridgeClient(runtime.client);
    const happened = {
      eventId: 'test-1',
      key: 'test:bus',
      severity: 'info',
      pipeline: 'document-ingestion',
      title: 'A test',
      summary: 'Somebody tests.',
      runbook: 'things',
    } as const;
    const at = (ms: number) => new Date(Date.now() + ms).toISOString();
    await putIncident(events, { ...happened, state: 'OPEN', occurredAt: at(0) });
    await inState(ticketIdOf('test:bus'), 'OPEN');
    await putIncident(events, { ...happened, eventId: 'test-2', state: 'RESOLVED', occurredAt: at(1) });
    await inState(ticketIdOf('test:bus'), 'RESOLVED');
    events.destroy();

    const { context } = runtime.runtime;
    const stack = runtime.runtime.stacks.stacks.find(({ stackName }) => stackName.endsWith('Operations'));
    const names = ['HelpDeskAlarmsQueueAge', 'AlarmsFreshness'].map(
      (name) => `${stack?.stackName}-${name}-1`,
    );
    for (const alarmName of names) {
      context.emit({
        source: 'aws.cloudwatch',
        'detail-type': 'CloudWatch Alarm State Change',
        resources: [`arn:alarm:${alarmName}`],
        detail: {
          alarmName,
          configuration: { description: 'A test.\nSeverity: info' },
          state: { value: 'ALARM', reason: 'A test.', timestamp: at(0).replace('Z', '+0000') },
        },
      });
    }
    await inState(ticketIdOf(`arn:alarm:${names[1]}`), 'OPEN');
    assert.equal(await ticket(ticketIdOf(`arn:alarm:${names[0]}`)), undefined);
  });
});
