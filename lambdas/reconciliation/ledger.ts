import * as z from 'zod/mini';
import { JSON_TYPE, type Objects } from '../shared/objects.ts';
import { parseJson } from '../shared/parse.ts';
import { MISMATCHES, type Mismatch, RECONCILIATION_PREFIX, type Step } from './contract.ts';

const count = z._default(z.number(), 0);

/** Files of one pipeline that landed on one day. */
const Counts = z.object({
  received: count,
  succeeded: count,
  rejected: count,
  failed: count,
  held: count,
  in_flight: count,
  unaccounted: count,
  not_loaded: count,
  in_vain: count,
  before_watch: count,
});
export type Counts = z.output<typeof Counts>;
export type CountName = keyof Counts;

/** What was found of one kind. `again`: repaired before, in vain, or beyond repair. */
const Found = z.object({
  found: z.number(),
  repaired: z.number(),
  again: z.number(),
  examples: z.array(z.string()),
});
export type Found = z.output<typeof Found>;

const LedgerSchema = z.object({
  /** `<pipeline> <YYYY-MM-DD>` → counts. */
  days: z.record(z.string(), Counts),
  mismatches: z.partialRecord(z.enum(Object.keys(MISMATCHES) as [Mismatch, ...Mismatch[]]), Found),
});

/** Files and loads that are named for people. */
const MAX_EXAMPLES = 10;

/** How a mismatch was answered; `waiting` when another run is repairing it. */
export type Answer = 'repaired' | 'again' | 'helpless' | 'waiting';

/**
 * What the batches of a step have found so far. Each batch writes the sum under its own number, so that a batch that is
 * done again counts once.
 */
export class Ledger {
  readonly days: Map<string, Counts>;
  readonly mismatches: Map<Mismatch, Found>;

  constructor({ days, mismatches }: z.output<typeof LedgerSchema> = { days: {}, mismatches: {} }) {
    this.days = new Map(Object.entries(days));
    this.mismatches = new Map(Object.entries(mismatches) as [Mismatch, Found][]);
  }

  /** @param day YYYY-MM-DD */
  count(pipeline: string, day: string, ...names: CountName[]): void {
    const key = `${pipeline} ${day}`;
    const counts = this.days.get(key) ?? Counts.parse({});
    for (const name of names) counts[name] += 1;
    this.days.set(key, counts);
  }

  /** @param example id of the file or load: names may say too much for a ticket */
  found(mismatch: Mismatch, answer: Answer, example: string): void {
    const known = this.mismatches.get(mismatch) ?? { found: 0, repaired: 0, again: 0, examples: [] };
    this.mismatches.set(mismatch, {
      found: known.found + 1,
      repaired: known.repaired + (answer === 'repaired' || answer === 'again' ? 1 : 0),
      again: known.again + (answer === 'again' || answer === 'helpless' ? 1 : 0),
      examples: known.examples.length < MAX_EXAMPLES ? [...known.examples, example] : known.examples,
    });
  }

  toJSON(): unknown {
    return { days: Object.fromEntries(this.days), mismatches: Object.fromEntries(this.mismatches) };
  }
}

/** The ledgers of one run in the lake. */
export class Ledgers {
  readonly #objects: Objects;
  readonly #bucket: string;
  readonly #run: string;

  constructor(objects: Objects, bucket: string, run: string) {
    this.#objects = objects;
    this.#bucket = bucket;
    this.#run = run;
  }

  /** What was found in the first `batches` batches of a step. */
  async read(step: Step, batches: number): Promise<Ledger> {
    if (batches === 0) return new Ledger();
    const text = await this.#objects.read(this.#at(step, batches));
    return new Ledger(parseJson(LedgerSchema, text, 'ledger of the reconciliation'));
  }

  async write(step: Step, batches: number, ledger: Ledger): Promise<void> {
    await this.#objects.write(this.#at(step, batches), JSON.stringify(ledger), JSON_TYPE);
  }

  #at(step: Step, batches: number) {
    return { bucket: this.#bucket, key: `${RECONCILIATION_PREFIX.work}${this.#run}/${step}-${batches}.json` };
  }
}
