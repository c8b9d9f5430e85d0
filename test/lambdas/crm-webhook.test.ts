import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CrmThrottled } from '../../lambdas/crm-tickets/errors.ts';
import type { Source } from '../../lambdas/crm-tickets/sources/source.ts';
import { type Call, receive } from '../../lambdas/crm-tickets/webhook-call.ts';
import { type TicketEvent, ticketEventOf } from '../../lambdas/crm-tickets/webhook-event.ts';
import { SigningSecret } from '../../lambdas/crm-tickets/webhook-secret.ts';
import { takeShown } from '../../lambdas/crm-tickets/webhook-tickets.ts';

const SECRET = 'dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==';
const NOW = Date.UTC(2026, 10, 21, 12);
const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');

const EVENT = {
  type: 'zen:event-type:ticket.status_changed',
  account_id: 4711,
  id: '2b24ef10-19d4-4740-93cf-8f98ec4776c0',
  time: '2026-11-21T11:59:58Z',
  zendesk_event_version: '2022-11-06',
  subject: 'zen:ticket:10001',
  detail: { id: '10001', status: 'OPEN', subject: 'Ärger', tags: [] },
  event: { current: 'OPEN', previous: 'NEW' },
};

const sign = (timestamp: string, body: string | Buffer, secret = SECRET) =>
  createHmac('sha256', secret).update(timestamp).update(body).digest('base64');

interface Sent {
  readonly body?: string | Buffer;
  readonly at?: number;
  readonly secret?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isBase64Encoded?: boolean;
}

function call({
  body = JSON.stringify(EVENT),
  at = NOW,
  secret,
  headers,
  isBase64Encoded = false,
}: Sent = {}): Call {
  const timestamp = iso(at);
  return {
    headers: {
      'x-zendesk-webhook-signature': sign(timestamp, body, secret),
      'x-zendesk-webhook-signature-timestamp': timestamp,
      'x-zendesk-webhook-invocation-id': '8350205582',
      ...headers,
    },
    body: isBase64Encoded ? Buffer.from(body).toString('base64') : body.toString(),
    isBase64Encoded,
  };
}

/** Somebody who is called, with a secret that can be changed and failures that can be planned. */
function receiver({ failTell = 0, failAdd = 0 } = {}) {
  let value: string | undefined = JSON.stringify({ signingSecret: SECRET });
  let now = NOW;
  let reads = 0;
  const told: TicketEvent[] = [];
  const taken = new Set<string>();
  const secrets: Pick<SecretsManagerClient, 'send'> = {
    send: async () => {
      reads += 1;
      return { SecretString: value };
    },
  };
  const dependencies = {
    secret: new SigningSecret('arn', { secrets, now: () => now }),
    taken: {
      has: async (id: string) => taken.has(id),
      add: async (id: string) => {
        if (failAdd-- > 0) throw new Error('DynamoDB is busy');
        taken.add(id);
      },
    },
    tell: async (event: TicketEvent) => {
      if (failTell-- > 0) throw new Error('SQS is busy');
      told.push(event);
    },
    now: () => now,
  };
  return {
    told,
    reads: () => reads,
    receive: (sent: Call) => receive(sent, dependencies),
    setSecret: (text: string | undefined) => {
      value = text;
    },
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe('a call of the webhook', () => {
  test('that Zendesk has signed puts its ticket into the queue, and nothing that anybody wrote', async () => {
    const { receive, told } = receiver();
    const verdict = await receive(call());
    assert.equal(verdict.status, 200);
    assert.deepEqual(told, [
      { eventId: EVENT.id, ticketId: '10001', type: 'status_changed', time: EVENT.time },
    ]);
  });

  test('may come in base64', async () => {
    const { receive, told } = receiver();
    assert.equal((await receive(call({ isBase64Encoded: true }))).status, 200);
    assert.equal(told.length, 1);
  });

  test('that comes again is fine and changes nothing, under whatever invocation', async () => {
    const { receive, told, pass } = receiver();
    const first = call();
    await receive(first);
    pass(60_000);
    for (const again of [
      first,
      // As Zendesk tries again, and as somebody would who has caught the call.
      call({ at: NOW + 60_000 }),
      { ...first, headers: { ...first.headers, 'x-zendesk-webhook-invocation-id': '1' } },
    ]) {
      const verdict = await receive(again);
      assert.equal(verdict.status === 200 && verdict.isRepeat, true);
    }
    assert.equal(told.length, 1);
  });

  for (const fails of ['failTell', 'failAdd'] as const) {
    test(`that could not be taken (${fails}) is taken when it comes again`, async () => {
      const { receive, told } = receiver({ [fails]: 1 });
      await assert.rejects(receive(call()), /busy/);
      assert.equal((await receive(call())).status, 200);
      assert.ok(told.length >= 1);
      const known = told.length;
      await receive(call());
      assert.equal(told.length, known);
    });
  }

  const timestamp = iso(NOW);
  const body = JSON.stringify(EVENT);
  const REFUSED: readonly (readonly [string, Call, number])[] = [
    ['has no headers', { headers: {}, body, isBase64Encoded: false }, 401],
    ['has no signature', call({ headers: { 'x-zendesk-webhook-signature': '' } }), 401],
    ['has no timestamp', call({ headers: { 'x-zendesk-webhook-signature-timestamp': '' } }), 401],
    [
      'has a timestamp that is none',
      call({ headers: { 'x-zendesk-webhook-signature-timestamp': 'now' } }),
      401,
    ],
    ['is signed with another secret', call({ secret: 'another' }), 401],
    ['has a signature of another length', call({ headers: { 'x-zendesk-webhook-signature': 'AAAA' } }), 401],
    ['has another body than was signed', { ...call(), body: body.replace('10001', '10002') }, 401],
    [
      'has another timestamp than was signed',
      call({ headers: { 'x-zendesk-webhook-signature-timestamp': iso(NOW + 1000) } }),
      401,
    ],
    ['was signed six minutes ago', call({ at: NOW - 6 * 60_000 }), 401],
    ['was signed in the future', call({ at: NOW + 6 * 60_000 }), 401],
    [
      'has two signatures',
      call({ headers: { 'x-zendesk-webhook-signature': `${sign(timestamp, body)},x` } }),
      401,
    ],
    ['is large and unsigned', { headers: {}, body: 'x'.repeat(300_000), isBase64Encoded: false }, 401],
    ['is larger than 256 KiB', call({ body: `"${'x'.repeat(256 * 1024)}"` }), 413],
    [
      'is larger than 256 KiB in bytes, and not in characters',
      call({ body: `"${'ü'.repeat(130 * 1024)}"` }),
      413,
    ],
    ['has no body', call({ body: '' }), 400],
    ['is no JSON', call({ body: 'ticket=1' }), 400],
    ['is JSON of another shape', call({ body: '[]' }), 422],
  ];
  for (const [what, sent, status] of REFUSED) {
    test(`that ${what} is refused with ${status}`, async () => {
      const { receive, told } = receiver();
      assert.equal((await receive(sent)).status, status);
      assert.equal(told.length, 0);
    });
  }

  const UNKNOWN: readonly (readonly [string, object])[] = [
    ['of a user', { type: 'zen:event-type:user.created', subject: 'zen:user:1' }],
    ['of a kind that nobody knows', { type: 'zen:event-type:ticket.exploded' }],
    ['of another version', { zendesk_event_version: '2031-01-01' }],
    ['about two tickets', { subject: 'zen:ticket:7' }],
    ['whose ticket is no number', { detail: { id: '1,2' }, subject: 'zen:ticket:1,2' }],
    ['without an id', { id: undefined }],
    ['whose id is a book', { id: 'x'.repeat(300) }],
  ];
  for (const [what, change] of UNKNOWN) {
    test(`with an event ${what} is refused with 422`, async () => {
      const { receive, told } = receiver();
      const verdict = await receive(call({ body: JSON.stringify({ ...EVENT, ...change }) }));
      assert.equal(verdict.status, 422);
      assert.equal(told.length, 0);
    });
  }

  test('is refused while nobody has put the secret there, and taken half a minute after', async () => {
    const { receive, setSecret, pass } = receiver();
    setSecret(JSON.stringify({ connected: false, password: 'x' }));
    assert.equal((await receive(call())).status, 401);
    setSecret(JSON.stringify({ signingSecret: SECRET }));
    pass(30_000);
    assert.equal((await receive(call())).status, 200);
  });

  test('a new secret counts within half a minute, and strangers do not make us read it at each call', async () => {
    const { receive, setSecret, pass, reads } = receiver();
    await receive(call());
    for (let i = 0; i < 20; i++) await receive(call({ secret: 'strange' }));
    assert.equal(reads(), 1);
    setSecret(JSON.stringify({ signingSecret: 'new' }));
    pass(30_000);
    assert.equal((await receive(call({ secret: 'new' }))).status, 200);
    assert.equal((await receive(call())).status, 401);
    assert.equal(reads(), 2);
  });
});

test('an event of each kind that Zendesk publishes is known by its ticket alone', () => {
  assert.deepEqual(ticketEventOf({ ...EVENT, more: 1 }), {
    eventId: EVENT.id,
    ticketId: '10001',
    type: 'status_changed',
    time: EVENT.time,
  });
});

describe('tickets of events', () => {
  /** A CRM that shows tickets, and what was taken of it. */
  function crm(show: Source['show']) {
    const pages = new Map<string, unknown>();
    const started: { name?: string; input?: string }[] = [];
    const source: Source = {
      name: 'zendesk-acme.zendesk.com',
      format: 'zendesk',
      first: () => '',
      fetch: () => assert.fail('an export'),
      ...(show && { show }),
    };
    const dependencies = {
      stateMachineArn: 'arn:machine',
      pages: {
        create: async (key: string, page: never) => {
          pages.set(key, pages.get(key) ?? page);
          return page;
        },
      },
      sfn: {
        send: async ({ input }: { input: { name?: string; input?: string } }) => {
          if (started.some(({ name }) => name === input.name)) {
            throw Object.assign(new Error('known'), { name: 'ExecutionAlreadyExists' });
          }
          started.push(input);
          return {};
        },
      },
    };
    return { pages, started, take: (ids: string[]) => takeShown(source, ids, dependencies as never) };
  }
  const answer = (ids: readonly string[]) => ({
    body: JSON.stringify({ tickets: ids.map((id) => ({ id })) }),
    changedAt: ids.length > 0 ? '2026-11-21T11:00:00.000Z' : undefined,
    tickets: ids.length,
  });

  test('are asked for once each, a hundred at a time', async () => {
    const asked: string[][] = [];
    const { take, started } = crm(async (ids) => {
      asked.push([...ids]);
      return answer(ids);
    });
    const ids = Array.from({ length: 150 }, (_, i) => String(10_000 + i));
    assert.equal(await take([...ids, ...ids]), 150);
    assert.deepEqual(
      asked.map(({ length }) => length),
      [100, 50],
    );
    assert.equal(started.length, 2);
  });

  test('that are answered the same are one page and one execution, whoever asked', async () => {
    const { take, pages, started } = crm(async (ids) => answer(ids));
    await take(['2', '1']);
    await take(['1', '2', '1']);
    assert.equal(pages.size, 1);
    assert.equal(started.length, 1);
    const [page] = JSON.parse(started[0]?.input ?? '{}').pages;
    const body = answer(['1', '2']).body;
    const identity = createHash('sha256').update(body).digest('hex');
    assert.equal(page.fileId, createHash('sha256').update(`webhook ${identity}`).digest('hex'));
    assert.match(page.key, /^raw\/crm\/webhook\/year=2026\/month=11\/day=21\//);
    // Never later than the export's, so that of two rows of one version the export's counts.
    assert.equal(page.fetchedAt, '2026-11-21T11:00:00.000Z');
  });

  test('that the CRM does not show any more are left to the export', async () => {
    const { take, started } = crm(async () => answer([]));
    assert.equal(await take(['1']), 0);
    assert.equal(started.length, 0);
  });

  test('come again when the CRM takes no request', async () => {
    const { take } = crm(async () => {
      throw new CrmThrottled('Zendesk takes no more requests for now: 429.', 30);
    });
    await assert.rejects(take(['1']), { name: 'CrmThrottled' });
  });
});
