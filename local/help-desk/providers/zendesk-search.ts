import { Refusal } from '../api.ts';

/** As far as a search looks at a ticket. */
interface Searched {
  readonly status: string;
  readonly tags: readonly string[];
  readonly external_id?: unknown;
}
type Matches = (ticket: Searched) => boolean;

/** In the order of their rank, which searches can compare. */
export const STATUSES = ['new', 'open', 'pending', 'hold', 'solved', 'closed'] as const;
const RANK: ReadonlyMap<string, number> = new Map(STATUSES.map((status, rank) => [status, rank]));

/** Words of the search syntax that are understood; another is refused, as it would be ignored or searched as text. */
const TERMS: readonly [RegExp, (value: string) => Matches][] = [
  [/^type:ticket$/, () => () => true],
  [
    /^external_id:(.+)$/,
    (value) =>
      ({ external_id }) =>
        external_id === value,
  ],
  [
    /^tags:(.+)$/,
    (value) =>
      ({ tags }) =>
        tags.includes(value),
  ],
  [
    /^status:(.+)$/,
    (value) =>
      ({ status }) =>
        status === value,
  ],
  [
    /^status<(.+)$/,
    (value) =>
      ({ status }) =>
        (RANK.get(status) ?? 0) < (RANK.get(value) ?? 0),
  ],
];

/**
 * The tickets that a search finds.
 * @throws Refusal
 */
export function queryOf(query: string): Matches {
  const words = query.match(/(?:[^\s"]+|"[^"]*")+/g) ?? [];
  const all = words
    .map((word) => word.replaceAll('"', ''))
    .map((word): Matches => {
      for (const [pattern, matches] of TERMS) {
        const found = pattern.exec(word);
        if (found) return matches(found[1] ?? '');
      }
      throw new Refusal(422, { error: 'invalid', description: `Invalid search: ${word}` });
    });
  if (all.length === 0) throw new Refusal(400, { error: 'invalid', description: 'Query is required' });
  return (ticket) => all.every((matches) => matches(ticket));
}
