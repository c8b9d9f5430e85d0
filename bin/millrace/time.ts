import { WrongUsage } from './errors.ts';

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export const DAY_MS = UNIT_MS.d;

/**
 * A moment: ISO 8601 (`2026-11-21`, `2026-11-21T14:00Z`) or so long ago (`90s`, `30m`, `2h`, `7d`).
 * @returns milliseconds since the epoch
 * @throws WrongUsage
 */
export function moment(name: string, text: string, now = Date.now()): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (unit === 's' || unit === 'm' || unit === 'h' || unit === 'd')
    return now - Number(count) * UNIT_MS[unit];
  // Without a zone it is UTC, like every time that is shown.
  const iso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.exec(text);
  const at = iso ? Date.parse(iso[1] && !iso[4] ? `${text}Z` : text) : Number.NaN;
  if (Number.isNaN(at)) {
    throw new WrongUsage(
      `--${name} is "${text}"; it must be a time such as 2026-11-21 or 2026-11-21T14:00Z, or so long ago: 30m, 2h, 7d.`,
    );
  }
  return at;
}

/** The days (UTC, `YYYY-MM-DD`) of a span of time, the latest first. */
export function daysBetween(from: number, to: number): string[] {
  const days: string[] = [];
  for (let at = Math.floor(to / DAY_MS); at >= Math.floor(from / DAY_MS); at--) {
    days.push(new Date(at * DAY_MS).toISOString().slice(0, 10));
  }
  return days;
}

/** Milliseconds as people say them: `0.4 s`, `12 s`, `3 min`, `2 h`, `5 d`. */
export function span(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 2 * UNIT_MS.h) return `${Math.round(ms / UNIT_MS.m)} min`;
  if (ms < 2 * DAY_MS) return `${Math.round(ms / UNIT_MS.h)} h`;
  return `${Math.round(ms / DAY_MS)} d`;
}

/** `2026-11-21 14:20:55`, UTC. */
export const shownTime = (time: string | number | Date | undefined): string =>
  time === undefined ? '' : new Date(time).toISOString().slice(0, 19).replace('T', ' ');
