import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import jsonata from 'jsonata';
import { PROJECT_ROOT } from '../../lib/constructs/bundle.ts';

const { States } = JSON.parse(
  readFileSync(join(PROJECT_ROOT, 'statemachines', 'warehouse-load.asl.json'), 'utf8'),
);

/** What an expression of the load state machine gives for variables, with placeholders filled in. */
async function evaluate(template: string, variables: Record<string, unknown>): Promise<unknown> {
  const expression = template.replace(/^\{%|%\}$/g, '').replaceAll(/\$\{PollSeconds\}/g, '2');
  return jsonata(expression).evaluate({}, variables);
}

const choices: { Condition: string; Next: string }[] = States.Finished.Choices;
const ruleTo = (state: string): string =>
  choices.findLast(({ Next }) => Next === state)?.Condition ?? assert.fail(`nothing leads to ${state}`);
const retry = ruleTo('BackOff');
const makeTables = ruleTo('Load');
const load = { versionCheck: 2 };

test('a load that met another load, or a busy warehouse, runs again', async () => {
  // Redshift's documentation of serializable isolation errors; PostgreSQL's texts for two that create at once.
  for (const error of [
    'ERROR: 1023 Detail: Serializable isolation violation on table - 108263',
    'ERROR: 1018 DETAIL: Relation not found',
    'ERROR: relation "millrace.documents" does not exist',
    'ERROR: could not complete because of conflict with concurrent transaction',
    'ERROR: deadlock detected',
    'ERROR: schema "millrace" already exists',
    'ERROR: duplicate key value violates unique constraint "pg_namespace_nspname_index"',
    'FATAL: too many connections for role "admin"',
    'Query #5 failed with FATAL: terminating connection due to administrator command',
  ]) {
    assert.equal(await evaluate(retry, { attempt: 1, error }), true, error);
    assert.equal(await evaluate(retry, { attempt: 10, error }), false, `${error}, for the tenth time`);
  }
});

test('a load that its data or its permissions make fail does not run again', async () => {
  for (const error of [
    '',
    "ERROR: Invalid digit, Value 'r', Pos 0, Type: Integer",
    'ERROR: Not authorized to get credentials of role arn:aws:iam::123456789012:role/Warehouse',
    'ERROR: Spectrum Scan Error',
    'ERROR: refused: the files hold the same key twice',
    'ERROR: Found multiple matches to update the same tuple.',
  ]) {
    assert.equal(await evaluate(retry, { attempt: 1, error }), false, error);
  }
});

test('a load that finds no tables, or tables of another version, has them made', async () => {
  const fails = (failedAt: number, error: string, phase = 'load') =>
    evaluate(makeTables, { attempt: 1, phase, failedAt, error, load });
  // The text of a check is not in the error where a compute node raises it.
  for (const [at, error] of [
    [1, 'ERROR: relation "millrace.load_lock" does not exist'],
    [1, 'ERROR: schema "millrace" does not exist'],
    [2, 'ERROR: invalid input syntax for integer: "refused: the tables are of another version"'],
    [2, "ERROR: Invalid digit, Value 'r', Pos 0, Type: Integer"],
  ] as const) {
    assert.equal(await fails(at, error), true, error);
    assert.equal(await fails(at, error, 'migrate'), false, 'what makes them is not made itself');
  }
  assert.equal(await fails(1, 'ERROR: deadlock detected'), false);
  assert.equal(await fails(7, "ERROR: Invalid digit, Value 'r', Pos 0, Type: Integer"), false);
});

test('the load is looked at often at first, and at least once a minute', async () => {
  const waits = [];
  for (let polls = 0, i = 0; i < 60; i++) {
    waits.push(Number(await evaluate(States.Poll.Seconds, { polls, phase: 'load' })));
    polls = Number(await evaluate(States.Poll.Assign.polls, { polls }));
  }
  assert.deepEqual(waits.slice(0, 5), [2, 2, 2, 3, 4]);
  assert.equal(waits.at(-1), 60);
});
