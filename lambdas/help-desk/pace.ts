import type { CurrentItem, DeskItem } from './ticket.ts';

/** What a desk is to be told. */
export type Call = 'open' | 'update' | 'resolve' | 'reopen';

/** `Provider` of the second channel, among the desks of a ticket. */
export const SECOND_CHANNEL_KIND = 'sns';

export interface Plan {
  readonly call: Call;
  /** Milliseconds since 1970 before which the desk is left alone. */
  readonly notBefore: number;
}

const MINUTE_MS = 60_000;
const LONGEST_MS = 60 * MINUTE_MS;
/** A ticket that was open or resolved for this long does not flap any more. */
const QUIET_MS = 2 * LONGEST_MS;

/** Pause after the nth time, from 0: 1, 2, 4 … 60 minutes. */
const pause = (n: number) => Math.min(LONGEST_MS, MINUTE_MS * 2 ** Math.min(n, 10));

/**
 * What a desk that is behind has to be told next, and when; undefined for one that is not. What opens is told at once,
 * and so is the first resolution. Updates come 1, 2, 4 … 60 minutes apart, and so does each further change between open
 * and resolved of an incident that flaps: the desk is told the state it has then.
 */
export function planOf(ticket: CurrentItem, desk: DeskItem | undefined): Plan | undefined {
  // A late end of something that was never here.
  if (ticket.State === undefined) return undefined;
  const at = (moment: number): number => Math.max(moment, Date.parse(desk?.RetryAt ?? '') || 0);
  if (!desk?.Id) return { call: 'open', notBefore: at(0) };
  if (desk.Generation < ticket.Generation) {
    return { call: desk.State === 'OPEN' ? 'resolve' : 'open', notBefore: at(0) };
  }
  const since = (time: string | undefined) => Date.parse(time ?? '') || 0;
  if (desk.State !== ticket.State) {
    const call = ticket.State === 'OPEN' ? 'reopen' : 'resolve';
    return { call, notBefore: at(desk.Flaps === 0 ? 0 : since(desk.TurnedAt) + pause(desk.Flaps - 1)) };
  }
  if (desk.State !== 'OPEN' || desk.Revision >= ticket.Revision) return undefined;
  // Told of beginning and end only.
  if (desk.Provider === SECOND_CHANNEL_KIND) return undefined;
  return { call: 'update', notBefore: at(since(desk.UpdatedAt) + pause(Math.max(desk.Updates, desk.Flaps))) };
}

/** What the back-off counts, after a call that the desk has answered. */
export function paceAfter(
  call: Call,
  { Updates, Flaps, TurnedAt }: Pick<DeskItem, 'Updates' | 'Flaps' | 'TurnedAt'>,
  now: number,
): Pick<DeskItem, 'Updates' | 'Flaps' | 'TurnedAt'> {
  if (call === 'update') return { Updates: Updates + 1, Flaps, ...(TurnedAt && { TurnedAt }) };
  const turned = { TurnedAt: new Date(now).toISOString() };
  if (call === 'open') return { Updates: 0, Flaps: 0, ...turned };
  const isQuiet = now - (Date.parse(TurnedAt ?? '') || 0) > QUIET_MS;
  return isQuiet ? { Updates: 0, Flaps: 1, ...turned } : { Updates, Flaps: Flaps + 1, ...turned };
}
