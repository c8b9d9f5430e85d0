import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { ManualClock } from '../../local/clock.ts';
import { connectDesks } from '../../local/help-desk/connect.ts';
import { DESK_NAMES, type FaultKind, type HelpDesk, startHelpDesk } from '../../local/help-desk/index.ts';
import type { Shape } from '../../local/services/service.ts';
import { ask, directory, helpDesk } from './help-desk-support.ts';

const event = (routing_key: string, summary = 'It broke') => ({
  routing_key,
  event_action: 'trigger',
  dedup_key: 'key-1',
  payload: { summary, source: 'millrace', severity: 'error' },
});
const routingKey = (desk: HelpDesk) => desk.connections('pagerduty')[0].routingKey ?? '';
const page = (desk: HelpDesk, summary?: string) =>
  ask('POST', `${desk.url}/pagerduty/v2/enqueue`, event(routingKey(desk), summary));

describe('the help desk of this machine', () => {
  test('tickets and credentials survive a restart', async () => {
    const dataDir = directory();
    const first = await startHelpDesk({ dataDir, clock: new ManualClock() });
    await page(first);
    const key = routingKey(first);
    await first.stop();
    const { desk } = await helpDesk(dataDir);
    assert.deepEqual(
      desk.tickets().map(({ title, state }) => [title, state]),
      [['It broke', 'open']],
    );
    assert.equal(routingKey(desk), key);
  });

  test('credentials are made up anew for each data directory', async () => {
    const [one, two] = [await helpDesk(), await helpDesk()];
    for (const name of DESK_NAMES) {
      assert.notDeepEqual(one.desk.connections(name)[0], two.desk.connections(name)[0], name);
    }
  });

  test('takes a free port when its own is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const desk = await startHelpDesk({ dataDir: directory(), clock: new ManualClock(), port });
    assert.notEqual(new URL(desk.url).port, String(port));
    assert.equal((await ask('GET', `${desk.url}/tickets`)).status, 200);
    await desk.stop();
    other.close();
  });

  test('shows tickets to people, and nothing that they say is markup', async () => {
    const { desk } = await helpDesk();
    assert.match((await ask('GET', desk.url)).text, /No ticket/);
    await page(desk, '<script>alert(1)</script>');
    const { text, headers } = await ask('GET', desk.url);
    assert.match(text, /&#60;script&#62;/);
    assert.doesNotMatch(text, /<script/);
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
    const { tickets } = (await ask('GET', `${desk.url}/tickets`)).json;
    assert.equal(tickets[0].history[0].kind, 'opened');
  });

  test('tells who listens of each change', async () => {
    const { desk } = await helpDesk();
    const seen: string[] = [];
    desk.onChange(({ id }, { kind }) => seen.push(`${id} ${kind}`));
    await page(desk);
    await page(desk);
    await ask('POST', `${desk.url}/pagerduty/v2/enqueue`, {
      ...event(routingKey(desk)),
      event_action: 'resolve',
    });
    assert.deepEqual(seen, ['P000001 opened', 'P000001 updated', 'P000001 resolved']);
  });

  test('a body above what any product takes is refused', async () => {
    const { desk } = await helpDesk();
    const { status } = await ask('POST', `${desk.url}/zendesk/api/v2/tickets`, 'x'.repeat(2 ** 20 + 1));
    assert.equal(status, 413);
  });
});

describe('faults of the help desk', () => {
  const answers: Partial<Record<FaultKind, (status: number, text: string) => void>> = {
    throttled: (status) => assert.ok(status === 429),
    unauthorized: (status) => assert.ok([200, 400, 401].includes(status)),
    nonsense: (status, text) => assert.ok(status === 200 && text.startsWith('<!doctype html>')),
    'server-error': (status) => assert.ok(status >= 500),
  };
  for (const [kind, check] of Object.entries(answers)) {
    test(`${kind}: at every desk, in its own way, and only as often as told`, async () => {
      const { desk } = await helpDesk();
      for (const name of DESK_NAMES) {
        desk.fault({ kind: kind as FaultKind, desk: name, times: 1, retryAfter: 7 });
        const { status, text, headers } = await ask('POST', `${desk.url}/${name}/any`, {});
        check(status, text);
        if (kind === 'throttled') assert.equal(headers.get('retry-after'), '7', name);
      }
      assert.equal((await page(desk)).status, 202);
    });
  }

  test('down: the connection is closed, until time has passed', async () => {
    const { desk, clock } = await helpDesk();
    desk.fault({ kind: 'down', seconds: 60 });
    await assert.rejects(page(desk), TypeError);
    await clock.advance(60_000);
    assert.equal((await page(desk)).status, 202);
  });

  test('slow: nothing is done and nothing answered', async () => {
    const { desk } = await helpDesk();
    const end = desk.fault({ kind: 'slow' });
    const signal = AbortSignal.timeout(100);
    await assert.rejects(
      fetch(`${desk.url}/pagerduty/v2/enqueue`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(event(routingKey(desk))),
        signal,
      }),
      { name: 'TimeoutError' },
    );
    end();
    assert.deepEqual(desk.tickets(), []);
  });

  test('lost-answer: what was asked is done, and not answered', async () => {
    const { desk } = await helpDesk();
    desk.fault({ kind: 'lost-answer', times: 1 });
    await assert.rejects(page(desk), TypeError);
    assert.equal(desk.tickets().length, 1);
  });

  test('can be switched by a request, and only by one that no page of the web can send', async () => {
    const { desk } = await helpDesk();
    const faults = `${desk.url}/faults`;
    assert.equal((await ask('POST', faults, { kind: 'server-error', desk: 'pagerduty' })).status, 201);
    assert.equal((await page(desk)).status, 500);
    assert.deepEqual((await ask('GET', faults)).json.faults, [{ kind: 'server-error', desk: 'pagerduty' }]);
    await ask('DELETE', faults);
    assert.equal((await page(desk)).status, 202);
    assert.equal((await ask('POST', faults, { kind: 'sleepy' })).status, 400);
    assert.equal(
      (await ask('POST', faults, '{"kind":"down"}', { 'content-type': 'text/plain' })).status,
      415,
    );
  });

  test('other rules can disturb it too', async () => {
    const desk = await startHelpDesk({
      dataDir: directory(),
      clock: new ManualClock(),
      disturb: () => 'throttled',
    });
    assert.equal((await page(desk)).status, 429);
    await desk.stop();
  });
});

describe('secrets of desks', () => {
  /** A deployment with one desk whose secret holds a value. */
  async function connected(desk: HelpDesk, value: string, provider = 'zendesk') {
    let secret = value;
    const warnings: string[] = [];
    const Metadata = { 'millrace:desk': { name: 'support', provider } };
    const stack = {
      stackName: 's',
      stackId: 's',
      parameters: {},
      outputs: [],
      resources: [{ logicalId: 'A', physicalId: 'arn', type: 't', constructPath: 'A', attributes: {} }],
      template: { Resources: { A: { Type: 'AWS::SecretsManager::Secret', Metadata } } },
    };
    await connectDesks(
      desk,
      { stacks: [stack] },
      {
        warn: (message) => warnings.push(message),
        call: async (_service, operation, input): Promise<Shape> => {
          if (operation === 'PutSecretValue') secret = String(input.SecretString);
          return { SecretString: secret };
        },
      },
    );
    return { secret, warnings };
  }

  test('a fresh one gets the connection of its provider', async () => {
    const { desk } = await helpDesk();
    const { secret } = await connected(desk, '{"connected":false,"password":"x"}');
    assert.deepEqual(JSON.parse(secret), desk.connections('zendesk')[0]);
  });

  test('one that somebody has filled stays', async () => {
    const { desk } = await helpDesk();
    const own = '{"url":"https://acme.zendesk.com","clientId":"a","clientSecret":"b"}';
    assert.equal((await connected(desk, own)).secret, own);
  });

  test('one of this desk follows it to another port', async () => {
    const { desk } = await helpDesk();
    const old = JSON.stringify(desk.connections('zendesk')[0]).replace(/:\d+\/zendesk/, ':1/zendesk');
    assert.deepEqual(JSON.parse((await connected(desk, old)).secret), desk.connections('zendesk')[0]);
  });

  test('a provider without a stand-in stays unconnected, and it is said', async () => {
    const { desk } = await helpDesk();
    const { secret, warnings } = await connected(desk, '{"connected":false}', 'freshdesk');
    assert.equal(secret, '{"connected":false}');
    assert.match(warnings.join(), /freshdesk/);
  });
});
