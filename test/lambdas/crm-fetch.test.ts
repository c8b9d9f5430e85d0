import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { RawPage } from '../../lambdas/crm-tickets/contract.ts';
import { CrmThrottled } from '../../lambdas/crm-tickets/errors.ts';
import { type FetchDependencies, fetchPage } from '../../lambdas/crm-tickets/fetch-page.ts';
import type { FetchedPage, Source } from '../../lambdas/crm-tickets/sources/source.ts';
import type { Cursor } from '../../lambdas/crm-tickets/sources-table.ts';

const ME = 'arn:aws:states:us-east-1:000000000000:execution:crm:me';
const SETTINGS = { startDays: 30, requestsPerMinute: 10 };

/** Everything around the CRM, in memory; time stands still unless a test moves it. */
class World {
  at = Date.UTC(2026, 10, 21, 8);
  cursor: Cursor = { position: '0', sequence: 0, windowStart: 0, requests: 0, notBefore: 0 };
  owner: string | undefined;
  since: string | undefined;
  readonly pages = new Map<string, RawPage>();
  readonly waiting: string[] = [];
  /** Status that Step Functions gives other executions. */
  others = 'RUNNING';
  /** Stops a step before it does anything. */
  crash: 'advance' | undefined;
  requests = 0;
  answer: (position: string) => FetchedPage = (position) => ({
    body: `page ${position}, request ${this.requests}`,
    tickets: 1,
    next: String(Number(position) + 1),
    end: false,
    waitSeconds: 0,
  });

  readonly source: Source = {
    name: 'zendesk-test',
    format: 'zendesk',
    first: () => '0',
    fetch: async (position) => {
      this.requests++;
      return this.answer(position);
    },
  };

  readonly dependencies: FetchDependencies = {
    now: () => this.at,
    sfn: { send: async () => ({ status: this.others }) } as unknown as FetchDependencies['sfn'],
    pages: {
      find: async (key) => this.pages.get(key),
      create: async (key, page) => {
        const known = this.pages.get(key) ?? page;
        this.pages.set(key, known);
        return known;
      },
    },
    table: {
      lease: async (_source, execution, _first, from) => {
        if (this.owner !== undefined && this.owner !== execution && this.owner !== from) {
          return { owner: this.owner };
        }
        this.owner = execution;
        return this.cursor;
      },
      begin: async (_source, _execution, _cursor, { at, windowStart, requests }) => {
        const isKnown = this.since !== undefined;
        this.since ??= new Date(at).toISOString();
        this.cursor = { ...this.cursor, windowStart, requests };
        return { fetchedAt: this.since, isKnown };
      },
      pause: async (_source, _execution, notBefore) => {
        this.cursor = { ...this.cursor, notBefore };
      },
      advance: async (_source, _execution, { sequence }, { position, notBefore, page }) => {
        if (this.crash === 'advance') throw new Error('crashed');
        if (page) this.waiting.push(page.key);
        this.cursor = { ...this.cursor, position, notBefore, sequence: page?.sequence ?? sequence };
        this.since = undefined;
        return { item: {} };
      },
    },
  };

  fetch = (execution = ME) => fetchPage(this.source, execution, SETTINGS, this.dependencies);
}

describe('a request to the CRM', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });

  test('uses 95 in 100 of the requests that a minute allows, and never more', async () => {
    const began = world.at;
    const sent: number[] = [];
    while (sent.length < 100) {
      const fetched = await world.fetch();
      if (fetched.verdict === 'PAGE') sent.push(world.at);
      // A request and its states take a second; a Wait state as long as it is told.
      world.at += 1_000 + ('waitSeconds' in fetched ? fetched.waitSeconds * 1_000 : 0);
    }
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
