import { Chance } from './chance.ts';
import { COMPANIES, FIRST_NAMES, LAST_NAMES, TIME_ZONES } from './words.ts';

/** A user as Zendesk's API shows one, without what nobody here asks for. */
export interface User {
  readonly id: number;
  readonly url: string;
  readonly name: string;
  readonly email: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly time_zone: string;
  readonly iana_time_zone: string;
  readonly phone: null;
  readonly organization_id: number | null;
  readonly role: 'end-user' | 'agent' | 'admin';
  readonly verified: boolean;
  readonly external_id: string | null;
  readonly tags: readonly string[];
  readonly locale: 'en-US';
  readonly active: boolean;
  readonly suspended: boolean;
}

export interface Organization {
  readonly id: number;
  readonly url: string;
  readonly name: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly external_id: string;
  readonly domain_names: readonly string[];
  readonly tags: readonly string[];
}

const IANA: Readonly<Record<string, string>> = {
  Berlin: 'Europe/Berlin',
  London: 'Europe/London',
  Madrid: 'Europe/Madrid',
  Paris: 'Europe/Paris',
  'Eastern Time (US & Canada)': 'America/New_York',
  Tokyo: 'Asia/Tokyo',
};

const DAY_MS = 86_400_000;
const FIRST_USER = 20_001;
const FIRST_AGENT = 5_001;
const FIRST_ORGANIZATION = 9_001;
const AGENTS = 5;
/** Numbers of customers in the shop begin here: `C-1001`, `C-1002`, … */
const FIRST_CUSTOMER = 1001;
export const CUSTOMERS = 400;

export const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** Customers, the agents who answer them, and the companies that some of them are of. */
export class People {
  readonly #seed: number;
  readonly #base: number;
  readonly #url: string;
  readonly organizations: ReadonlyMap<number, Organization>;

  /** @param base milliseconds since the epoch: before the first ticket */
  constructor(seed: number, base: number, url: string) {
    this.#seed = seed;
    this.#base = base;
    this.#url = url;
    this.organizations = new Map(
      COMPANIES.map((name, i) => {
        const id = FIRST_ORGANIZATION + i;
        const at = iso(base - (300 - i) * DAY_MS);
        return [
          id,
          {
            id,
            url: `${url}/api/v2/organizations/${id}.json`,
            name,
            created_at: at,
            updated_at: at,
            external_id: `ORG-${i + 1}`,
            domain_names: [`${name.split(' ')[0]?.toLowerCase()}.example.com`],
            tags: [],
          },
        ];
      }),
    );
  }

  /** Id of a customer who writes; a few write much more than the rest. */
  writer(chance: Chance): number {
    return FIRST_USER + Math.floor(CUSTOMERS * chance.between(0, 1) ** 2);
  }

  agent(chance: Chance): number {
    return FIRST_AGENT + chance.whole(0, AGENTS);
  }

  /** A user as they are at an instant, undefined when there is none of that id. @param now milliseconds */
  user(id: number, now: number): User | undefined {
    if (id >= FIRST_AGENT && id < FIRST_AGENT + AGENTS) return this.#agent(id);
    const n = id - FIRST_USER;
    return n >= 0 && n < CUSTOMERS ? this.#customer(n, now) : undefined;
  }

  #agent(id: number): User {
    const name = `${FIRST_NAMES[id % FIRST_NAMES.length]} (Support)`;
    return {
      ...this.#common(id, this.#base - 200 * DAY_MS, this.#base - 200 * DAY_MS, 'Berlin'),
      name,
      email: `agent${id}@example.com`,
      organization_id: null,
      role: 'agent',
      external_id: null,
    };
  }

  #customer(n: number, now: number): User {
    const chance = new Chance(this.#seed + 1, n);
    const first = chance.one(FIRST_NAMES);
    const last = chance.one(LAST_NAMES);
    const company = chance.happens(0.4) ? FIRST_ORGANIZATION + chance.whole(0, COMPANIES.length) : null;
    const created = this.#base - chance.between(1, 200) * DAY_MS;
    const home = chance.whole(0, TIME_ZONES.length);
    // Now and then somebody moves, which changes who they are without a change of any ticket.
    const stays = chance.between(60, 400) * DAY_MS;
    const moves = Math.max(0, Math.floor((now - created) / stays));
    const zone = TIME_ZONES[(home + moves) % TIME_ZONES.length] ?? 'Berlin';
    return {
      ...this.#common(FIRST_USER + n, created, created + moves * stays, zone),
      name: `${first} ${last}`,
      email: `${first}.${last}.${n}@example.com`.toLowerCase(),
      organization_id: company,
      role: 'end-user',
      // Some have never ordered.
      external_id: n % 25 === 24 ? null : `C-${FIRST_CUSTOMER + n}`,
    };
  }

  #common(id: number, created: number, updated: number, zone: string) {
    return {
      id,
      url: `${this.#url}/api/v2/users/${id}.json`,
      created_at: iso(created),
      updated_at: iso(updated),
      time_zone: zone,
      iana_time_zone: IANA[zone] ?? 'Etc/UTC',
      phone: null,
      verified: true,
      tags: [],
      locale: 'en-US',
      active: true,
      suspended: false,
    } as const;
  }
}
