import { after } from 'node:test';
import { ManualClock } from '../../local/clock.ts';
import { type Crm, startCrm } from '../../local/crm/index.ts';
import { type Answer, ask, directory } from './help-desk-support.ts';

export interface TestCrm {
  readonly crm: Crm;
  readonly clock: ManualClock;
  /** A token for everything. */
  readonly token: string;
  get(path: string, token?: string): Promise<Answer>;
  /** Every page of an export, from the first until the end; waits for the rate limit. */
  pages(path: string): Promise<Answer[]>;
}

/** A CRM with a clock that is moved by hand, stopped when the test file ends. */
export async function testCrm(dataDir = directory(), clock = new ManualClock()): Promise<TestCrm> {
  const crm = await startCrm({ dataDir, clock });
  after(() => crm.stop());
  const token = await tokenOf(crm);
  const get = (path: string, by = token) =>
    ask('GET', path.startsWith('http') ? path : `${crm.url}${path}`, undefined, {
      authorization: `Bearer ${by}`,
    });
  return {
    crm,
    clock,
    token,
    get,
    async pages(path) {
      const pages: Answer[] = [];
      for (let next = path; ; ) {
        const answer = await get(next);
        if (answer.status === 429) {
          await clock.advance(Number(answer.headers.get('retry-after')) * 1000);
          continue;
        }
        pages.push(answer);
        if (answer.status !== 200 || answer.json.end_of_stream) return pages;
        next = answer.json.after_url;
      }
    },
  };
}

export async function tokenOf(crm: Crm, scope = 'read write'): Promise<string> {
  const { clientId, clientSecret } = crm.connection;
  const { json } = await ask('POST', `${crm.url}/oauth/tokens`, {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    scope,
  });
  return json.access_token;
}
