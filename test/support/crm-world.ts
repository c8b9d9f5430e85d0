import type { RawPage } from '../../lambdas/crm-tickets/contract.ts';
import { type FetchDependencies, fetchPage } from '../../lambdas/crm-tickets/fetch-page.ts';
import type { FetchedPage, Source } from '../../lambdas/crm-tickets/sources/source.ts';
import type { Cursor } from '../../lambdas/crm-tickets/sources-table.ts';

/** An execution that fetches. */
export const ME = 'arn:aws:states:us-east-1:000000000000:execution:crm:me';
const SETTINGS = { startDays: 30, requestsPerMinute: 10 };

/** Everything around the CRM, in memory; time stands still unless somebody moves it. */
export class World {
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

  /**
   * Sends requests one after the other, each with the second that its states take, and with the waits that it is told.
   * @returns when they were sent, milliseconds since 1970
   */
  async send(requests: number): Promise<number[]> {
    const sent: number[] = [];
    while (sent.length < requests) {
      const fetched = await this.fetch();
      if (fetched.verdict === 'PAGE') sent.push(this.at);
      this.at += 1_000 + ('waitSeconds' in fetched ? fetched.waitSeconds * 1_000 : 0);
    }
    return sent;
  }

  fetch = (execution = ME) => fetchPage(this.source, execution, SETTINGS, this.dependencies);
}
