import type { ExpectedFile } from '../../datasets/dataset.ts';
import { type ExpectedDay, expectedDays } from './calendar.ts';

/** Days back that are looked at: what is later than that, nobody waits for any more, milliseconds. */
export const LOOKS_BACK_MS = 7 * 86_400_000;

/** What has become of an expected day. */
export interface Judged {
  readonly day: string;
  readonly due: number;
  /** When its file came; missing while it is late. */
  readonly arrived?: number;
}

/**
 * The days whose file was not there in time, and when it came. A file that lands within a day's own hours is this day's;
 * one that lands between them is the oldest late day's.
 * @param arrivals when files landed, milliseconds since 1970
 * @param since nothing that was due before is expected
 */
export function lateDays(
  expected: ExpectedFile,
  arrivals: readonly number[],
  since: number,
  now: number,
): readonly Judged[] {
  const days = expectedDays(expected, Math.max(since, now - LOOKS_BACK_MS), now);
  const isOf =
    ({ opens, due }: ExpectedDay) =>
    (time: number) =>
      time > opens && time <= due;
  const free = arrivals.filter((time) => !days.some((day) => isOf(day)(time))).sort((a, b) => a - b);
  return days
    .filter((day) => day.due <= now && !arrivals.some(isOf(day)))
    .map(({ day, due }) => {
      const at = free.findIndex((time) => time > due);
      const [arrived] = at < 0 ? [] : free.splice(at, 1);
      return { day, due, ...(arrived !== undefined && { arrived }) };
    });
}
