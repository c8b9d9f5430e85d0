import cron from 'aws-cron-parser';
import { AwsError } from '../service.ts';

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** When a schedule is due; undefined when it never is again. */
export interface Schedule {
  /** First occurrence after `after`. Both are milliseconds since the epoch. */
  next(after: number): number | undefined;
}

/** Milliseconds by which a zone's wall clock is ahead of UTC at a moment. */
function offsetOf(timeZone: string, at: number): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(at);
  const part = (type: string) => Number(parts.find((p) => p.type === type)?.value);
  const wall = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return wall - Math.floor(at / 1000) * 1000;
}

/** The moment at which a zone's wall clock, read as if it were UTC, shows `wall`. */
function fromWall(timeZone: string, wall: number): number {
  const guess = wall - offsetOf(timeZone, wall);
  return wall - offsetOf(timeZone, guess);
}

function rate(count: number, unit: string, anchor: number): Schedule {
  const period = count * (UNIT_MS[unit] ?? Number.NaN);
  return { next: (after) => anchor + (Math.floor((after - anchor) / period) + 1) * period };
}

function cronSchedule(expression: string, timeZone: string): Schedule {
  const parsed = cron.parse(expression);
  return {
    next(after) {
      const wall = cron.next(parsed, new Date(after + offsetOf(timeZone, after)));
      return wall ? fromWall(timeZone, wall.getTime()) : undefined;
    },
  };
}

function at(time: string, timeZone: string): Schedule {
  const due = fromWall(timeZone, Date.parse(`${time}Z`));
  return { next: (after) => (due > after ? due : undefined) };
}

/**
 * Reads `rate(5 minutes)`, `cron(0 3 * * ? *)` and `at(2026-01-01T00:00:00)`.
 * @param anchor moment from which rates count, milliseconds since the epoch
 * @throws AwsError ValidationException
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
export function parseSchedule(expression: string, timeZone: string, anchor: number): Schedule {
  const invalid = (cause?: unknown) =>
    new AwsError(
      'ValidationException',
      `Invalid Schedule Expression ${expression} (time zone ${timeZone}).`,
      { cause },
    );
  const [, kind, body = ''] = /^(rate|cron|at)\((.+)\)$/.exec(expression) ?? [];
  try {
    switch (kind) {
      case 'rate': {
        const [, count, unit = ''] = /^([1-9]\d*) (minute|hour|day)s?$/.exec(body) ?? [];
        if (count) return rate(Number(count), unit, anchor);
        break;
      }
      case 'cron':
        if (body.trim().split(/\s+/).length === 6) return cronSchedule(body, timeZone);
        break;
      case 'at':
        if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(body)) return at(body, timeZone);
        break;
    }
  } catch (cause) {
    throw invalid(cause);
  }
  throw invalid();
}
