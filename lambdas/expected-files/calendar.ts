import type { ExpectedFile } from '../../datasets/dataset.ts';

const DAY_MS = 86_400_000;
const HALF_DAY_MS = DAY_MS / 2;

/** A day for which a file is expected. Times are milliseconds since 1970. */
export interface ExpectedDay {
  /** `YYYY-MM-DD` in the zone of the expectation. */
  readonly day: string;
  /** From when a file counts as this day's: since midnight, and for at least twelve hours. */
  readonly opens: number;
  /** Until when it has to be there. */
  readonly due: number;
}

/** The days of an expectation that are due after `from` and no later than a day after `to`, in their order. */
export function expectedDays(
  { by, timeZone, days }: ExpectedFile,
  from: number,
  to: number,
): readonly ExpectedDay[] {
  const found: ExpectedDay[] = [];
  // A zone's day begins up to 14 hours before UTC's, and ends up to 12 hours after.
  for (let noon = Math.floor(from / DAY_MS) * DAY_MS - HALF_DAY_MS; noon <= to + 3 * DAY_MS; noon += DAY_MS) {
    const day = new Date(noon).toISOString().slice(0, 10);
    if (days === 'working days' && !isWorkingDay(day)) continue;
    const due = instantOf(day, by, timeZone);
    if (due > from && due <= to + DAY_MS)
      found.push({ day, opens: Math.min(instantOf(day, '00:00', timeZone), due - HALF_DAY_MS), due });
  }
  return found;
}

/** Monday to Friday; what a country celebrates, a declaration does not know. */
function isWorkingDay(day: string): boolean {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return weekday >= 1 && weekday <= 5;
}

/**
 * When the clocks of a zone show a time of a day, milliseconds since 1970. Of a time that comes twice it is the first;
 * one that is left out is as much later as the clocks are put forward.
 */
export function instantOf(day: string, time: string, timeZone: string): number {
  const shown = Date.parse(`${day}T${time}:00Z`);
  const before = offsetAt(shown - DAY_MS, timeZone);
  const after = offsetAt(shown + DAY_MS, timeZone);
  const candidates = [shown - before, shown - after].sort((a, b) => a - b);
  return candidates.find((instant) => instant + offsetAt(instant, timeZone) === shown) ?? shown - before;
}

/** What the clocks of a zone are ahead of UTC, milliseconds. */
function offsetAt(instant: number, timeZone: string): number {
  const parts = new Map(
    clockOf(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  const shown = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  return shown - Math.floor(instant / 1000) * 1000;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone);
  if (known) return known;
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  clocks.set(timeZone, clock);
  return clock;
}
