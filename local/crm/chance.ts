import { seededRandom } from '../faults/random.ts';

/** Choices that follow from a seed and what they are for: the same at every start, and for each thing its own. */
export class Chance {
  readonly #random: () => number;

  /** @param thing number of the ticket, the user, … that is made up */
  constructor(seed: number, thing: number) {
    this.#random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(thing + 1, 0x85ebca6b));
    // The first numbers of neighbouring seeds are neighbours, too.
    this.#random();
  }

  /** Whether something happens that does so in this share of cases. */
  happens(share: number): boolean {
    return this.#random() < share;
  }

  /** A number from `from` to below `to`. */
  between(from: number, to: number): number {
    return from + this.#random() * (to - from);
  }

  /** A whole number from `from` to below `to`. */
  whole(from: number, to: number): number {
    return Math.floor(this.between(from, to));
  }

  one<Item>(items: readonly Item[]): Item {
    const item = items[this.whole(0, items.length)];
    if (item === undefined) throw new RangeError('There is nothing to choose from.');
    return item;
  }
}
