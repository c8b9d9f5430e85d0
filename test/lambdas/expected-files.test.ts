import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExpectedFile } from '../../datasets/dataset.ts';
import { expectedDays, instantOf } from '../../lambdas/expected-files/calendar.ts';
import { lateDays } from '../../lambdas/expected-files/expectations.ts';

const at = (text: string) => Date.parse(text);
const berlin: ExpectedFile = { by: '06:00', timeZone: 'Europe/Berlin', days: 'working days' };

test('a local time is found on both sides of a change of the clocks, and within it', () => {
  const cases = [
    ['2026-01-15', '06:00', 'Europe/Berlin', '2026-01-15T05:00:00Z'],
    ['2026-07-15', '06:00', 'Europe/Berlin', '2026-07-15T04:00:00Z'],
    // Clocks go forward at 02:00 on 29 March, and back at 03:00 on 25 October.
    ['2026-03-29', '06:00', 'Europe/Berlin', '2026-03-29T04:00:00Z'],
    ['2026-03-29', '01:30', 'Europe/Berlin', '2026-03-29T00:30:00Z'],
    ['2026-03-29', '02:30', 'Europe/Berlin', '2026-03-29T01:30:00Z'],
    ['2026-10-25', '02:30', 'Europe/Berlin', '2026-10-25T00:30:00Z'],
    ['2026-10-25', '06:00', 'Europe/Berlin', '2026-10-25T05:00:00Z'],
    ['2026-11-01', '00:00', 'America/New_York', '2026-11-01T04:00:00Z'],
    ['2026-01-01', '00:15', 'Pacific/Kiritimati', '2025-12-31T10:15:00Z'],
    ['2026-01-01', '23:45', 'Pacific/Pago_Pago', '2026-01-02T10:45:00Z'],
    ['2026-06-01', '12:00', 'Asia/Kolkata', '2026-06-01T06:30:00Z'],
    ['2026-06-01', '12:00', 'UTC', '2026-06-01T12:00:00Z'],
  ] as const;
  for (const [day, time, zone, instant] of cases)
    assert.equal(
      new Date(instantOf(day, time, zone)).toISOString(),
      new Date(instant).toISOString(),
      `${day} ${time} ${zone}`,
    );
});

test('working days are Monday to Friday of the zone', () => {
  const days = expectedDays(berlin, at('2026-11-19T12:00:00Z'), at('2026-11-24T12:00:00Z'));
  assert.deepEqual(
    days.map(({ day }) => day),
    ['2026-11-20', '2026-11-23', '2026-11-24', '2026-11-25'],
  );
  const every = expectedDays(
    { ...berlin, days: 'every day' },
    at('2026-11-20T12:00:00Z'),
    at('2026-11-22T12:00:00Z'),
  );
  assert.deepEqual(
    every.map(({ day }) => day),
    ['2026-11-21', '2026-11-22', '2026-11-23'],
  );
});

test('a day is open since midnight, and for twelve hours at least', () => {
  const of = (by: string) =>
    expectedDays({ ...berlin, by }, at('2026-11-22T12:00:00Z'), at('2026-11-23T00:00:00Z'))[0];
  assert.equal(of('06:00')?.opens, at('2026-11-22T17:00:00Z'));
  assert.equal(of('23:00')?.opens, at('2026-11-22T23:00:00Z'));
});

const long = at('2026-01-01T00:00:00Z');
const late = (now: string, arrivals: readonly string[], since = long) =>
  lateDays(berlin, arrivals.map(at), since, at(now)).map(({ day, arrived }) => [
    day,
    arrived === undefined ? 'late' : new Date(arrived).toISOString().slice(0, 16),
  ]);

/** In time on each working day from 16 to 20 November. */
const WEEK = [16, 17, 18, 19, 20].map((day) => `2026-11-${day}T04:30:00Z`);

test('a file that is not there is late from its minute on, and never on a weekend', () => {
  assert.deepEqual(late('2026-11-20T12:00:00Z', WEEK), []);
  assert.deepEqual(late('2026-11-22T12:00:00Z', WEEK), []);
  assert.deepEqual(late('2026-11-23T04:59:00Z', WEEK), []);
  assert.deepEqual(late('2026-11-23T05:00:00Z', WEEK), [['2026-11-23', 'late']]);
});

test('a late file that lands is its day’s, and not the next day’s', () => {
  const arrivals = [...WEEK, '2026-11-23T13:00:00Z'];
  assert.deepEqual(late('2026-11-23T14:00:00Z', arrivals), [['2026-11-23', '2026-11-23T13:00']]);
  assert.deepEqual(late('2026-11-24T06:00:00Z', arrivals), [
    ['2026-11-23', '2026-11-23T13:00'],
    ['2026-11-24', 'late'],
  ]);
});

test('a file of the next day does not make an earlier one arrive', () => {
  const arrivals = [...WEEK, '2026-11-24T03:00:00Z', '2026-11-24T03:10:00Z'];
  assert.deepEqual(late('2026-11-24T12:00:00Z', arrivals), [['2026-11-23', 'late']]);
});

test('two late files that come together end both days', () => {
  const arrivals = [...WEEK, '2026-11-24T09:00:00Z', '2026-11-24T09:01:00Z'];
  assert.deepEqual(late('2026-11-24T12:00:00Z', arrivals), [
    ['2026-11-23', '2026-11-24T09:00'],
    ['2026-11-24', '2026-11-24T09:01'],
  ]);
});

test('nothing is expected from before the prefix was watched, or from more than a week ago', () => {
  assert.deepEqual(late('2026-11-20T12:00:00Z', [], at('2026-11-19T12:00:00Z')), [['2026-11-20', 'late']]);
  assert.equal(late('2026-11-20T12:00:00Z', []).length, 5);
});
