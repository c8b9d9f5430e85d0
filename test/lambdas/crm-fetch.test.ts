import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { CrmThrottled } from '../../lambdas/crm-tickets/errors.ts';
import { ME, World } from '../support/crm-world.ts';

describe('a request to the CRM', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });

  test('uses 95 in 100 of the requests that a minute allows, and never more', async () => {
    const began = world.at;
    const sent = await world.send(100);
    for (const at of sent) {
      assert(sent.filter((other) => other >= at && other < at + 60_000).length <= 10);
    }
    assert(sent.length / ((world.at - began) / 60_000) >= 9.5);
  });

  test('after a crash before the cursor moved, the page that is in the lake counts, on whatever day', async () => {
    world.crash = 'advance';
    await assert.rejects(world.fetch(), /crashed/);
    world.crash = undefined;
    world.at += 86_400_000;
    await world.fetch();
    assert.equal(world.requests, 1);
    assert.deepEqual([...world.pages.keys()], world.waiting);
    assert.match(
      world.waiting[0] ?? '',
      /^raw\/crm\/zendesk-test\/year=2026\/month=11\/day=21\/[0-9a-f]{64}\.json$/,
    );
  });

  test('a CRM that takes no requests is left alone for as long as it asks, by every execution', async () => {
    const { answer } = world;
    world.answer = () => {
      throw new CrmThrottled('busy', 42);
    };
    assert.deepEqual(await world.fetch(), { verdict: 'WAIT', source: 'zendesk-test', waitSeconds: 42 });
    world.answer = answer;
    world.at += 10_000;
    assert.deepEqual(await world.fetch(), { verdict: 'WAIT', source: 'zendesk-test', waitSeconds: 32 });
    assert.equal(world.requests, 1);
    world.at += 32_000;
    assert.equal((await world.fetch()).verdict, 'PAGE');
  });

  test('nothing new writes no page and keeps the cursor', async () => {
    world.answer = (position) => ({ body: '{}', tickets: 0, next: position, end: true, waitSeconds: 0 });
    assert.equal((await world.fetch()).verdict, 'END');
    assert.equal(world.pages.size, 0);
    assert.equal(world.cursor.sequence, 0);
  });

  test('one execution at a time; the place of one that is over is taken', async () => {
    await world.fetch('other');
    assert.deepEqual(await world.fetch(), { verdict: 'BUSY', execution: 'other' });
    world.others = 'FAILED';
    assert.equal((await world.fetch()).verdict, 'PAGE');
    assert.equal(world.owner, ME);
  });
});
