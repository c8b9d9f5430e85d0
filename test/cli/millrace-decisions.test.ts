import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WrongUsage } from '../../bin/millrace/errors.ts';
import { innermost, machineOf, nameOfRun, runName, stateOf } from '../../bin/millrace/executions.ts';
import { inLanes, Pace } from '../../bin/millrace/pace.ts';
import { changedSince, decide, type Facts, failErrors } from '../../bin/millrace/redrive/decide.ts';
import { type Column, table } from '../../bin/millrace/table.ts';
import { daysBetween, moment } from '../../bin/millrace/time.ts';
import { nearest } from '../../lib/nearest.ts';

const DAY = 86_400_000;

describe('what becomes of a failed execution', () => {
  const failed: Facts = {
    recorded: 'FAILED',
    isLatest: true,
    isDeliberate: false,
    age: DAY,
    isChanged: false,
    endedInFailState: false,
  };
  const cases: readonly [what: string, facts: Partial<Facts>, action: string][] = [
    ['failed yesterday, nothing changed', {}, 'redrive'],
    ['just before 14 days', { age: 14 * DAY - 1 }, 'redrive'],
    ['after 14 days', { age: 14 * DAY }, 'rerun'],
    ['the definition was changed', { isChanged: true }, 'rerun'],
    ['it ended in a Fail state', { endedInFailState: true }, 'rerun'],
    ['Step Functions refuses', { refused: 'Execution history event limit exceeded' }, 'rerun'],
    ['it has succeeded since', { recorded: 'SUCCEEDED' }, 'leave'],
    ['it runs again', { recorded: 'PROCESSING_INITIATED' }, 'leave'],
    ['it was refused since', { recorded: 'REJECTED' }, 'leave'],
    ['it is held', { recorded: 'HELD' }, 'leave'],
    ['the audit table does not know it', { recorded: undefined }, 'leave'],
    ['a later run took its place', { isLatest: false, isChanged: true }, 'leave'],
    ['a canary that has to fail', { isDeliberate: true, endedInFailState: true }, 'leave'],
  ];
  for (const [what, facts, action] of cases) {
    test(`${what}: ${action}`, () => {
      const decision = decide({ ...failed, ...facts });
      assert.equal(decision.action, action);
      assert.equal(decision.why === '', action === 'redrive', decision.why);
    });
  }

  test('the errors of Fail states are found in nested states too', () => {
    const definition = {
      States: {
        A: { Type: 'Parallel', Branches: [{ States: { B: { Type: 'Fail', Error: 'Inner' } } }] },
        C: { Type: 'Fail', Error: 'Outer' },
        D: { Type: 'Task', Catch: [{ ErrorEquals: ['NoFail'], Next: 'C' }] },
      },
    };
    assert.deepEqual(failErrors(definition), new Set(['Inner', 'Outer']));
  });
});

describe('which executions began with another definition', () => {
  /** Executions by the revision that they began with. */
  async function ask(revisions: readonly number[], current: number) {
    let asked = 0;
    const changed = await changedSince(
      revisions.map((_, i) => String(i)),
      `definition ${current}`,
      async (arn) => {
        asked += 1;
        const revision = revisions[Number(arn)];
        return { id: String(revision), definition: `definition ${revision}` };
      },
    );
    return { changed: [...changed].map(Number).sort((a, b) => a - b), asked };
  }

  test('none, one and all', async () => {
    assert.deepEqual((await ask([], 1)).changed, []);
    assert.deepEqual((await ask([1], 1)).changed, []);
    assert.deepEqual((await ask([1], 2)).changed, [0]);
    assert.deepEqual((await ask([1, 1, 1], 2)).changed, [0, 1, 2]);
  });

  test('those before each change, with few questions', async () => {
    const revisions = Array.from({ length: 1_000 }, (_, i) => (i < 137 ? 1 : i < 138 ? 2 : i < 700 ? 3 : 4));
    const { changed, asked } = await ask(revisions, 4);
    assert.deepEqual(
      changed,
      Array.from({ length: 700 }, (_, i) => i),
    );
    assert.ok(asked < 60, `${asked} questions`);
  });

  test('a definition that came back counts as the same', async () => {
    const changed = await changedSince(['a', 'b', 'c'], 'one', async (arn) => ({
      id: arn,
      definition: arn === 'b' ? 'two' : 'one',
    }));
    assert.deepEqual([...changed], ['b']);
  });
});

describe('names of runs', () => {
  const id = 'a'.repeat(64);
  for (const [name, attempt] of [
    [id, 1],
    [`${id}-r2`, 2],
    [`${id}-r13`, 13],
  ] as const) {
    test(`${attempt === 1 ? 'without a suffix' : name.slice(64)} is attempt ${attempt}`, () => {
      assert.deepEqual(runName(name), { base: id, attempt });
      assert.equal(nameOfRun(id, attempt), name);
    });
  }

  test('an execution names its state machine', () => {
    assert.equal(
      machineOf('arn:aws-us-gov:states:us-gov-west-1:1:execution:M:x-r2'),
      'arn:aws-us-gov:states:us-gov-west-1:1:stateMachine:M',
    );
  });
});

test('the failed state is that of the branch that failed, not the one entered last', () => {
  const entered = (id: number, previousEventId: number, name: string) => ({
    id,
    previousEventId,
    timestamp: new Date(0),
    type: 'TaskStateEntered' as const,
    stateEnteredEventDetails: { name },
  });
  const event = (id: number, previousEventId: number, type: 'TaskFailed' | 'ExecutionFailed') => ({
    id,
    previousEventId,
    timestamp: new Date(0),
    type,
  });
  assert.equal(
    stateOf([
      event(6, 4, 'ExecutionFailed'),
      entered(5, 2, 'Other'),
      event(4, 3, 'TaskFailed'),
      entered(3, 2, 'Broken'),
    ]),
    'Broken',
  );
  assert.equal(stateOf([]), undefined);
});

test('a pace lets a burst pass and then so many a second', () => {
  let now = 0;
  const pace = new Pace(10, 2, () => now);
  assert.deepEqual([pace.take(), pace.take(), pace.take(), pace.take()], [0, 0, 100, 200]);
  now = 200;
  assert.equal(pace.take(), 100);
});

test('nothing new is begun once the person stops', async () => {
  const stop = new AbortController();
  const begun: number[] = [];
  await inLanes(
    [1, 2, 3, 4],
    1,
    async (item) => {
      begun.push(item);
      if (item === 2) stop.abort();
    },
    stop.signal,
  );
  assert.deepEqual(begun, [1, 2]);
});

describe('times', () => {
  const now = Date.parse('2026-11-21T14:20:00Z');
  for (const [text, expected] of [
    ['30m', '2026-11-21T13:50:00.000Z'],
    ['7d', '2026-11-14T14:20:00.000Z'],
    ['2026-11-20', '2026-11-20T00:00:00.000Z'],
    ['2026-11-20T10:00', '2026-11-20T10:00:00.000Z'],
    ['2026-11-20T10:00+01:00', '2026-11-20T09:00:00.000Z'],
  ] as const) {
    test(text, () => assert.equal(new Date(moment('since', text, now)).toISOString(), expected));
  }
  for (const text of ['yesterday', '5', '7w', '2026-13-01', '21.11.2026']) {
    test(`${text} is refused`, () => assert.throws(() => moment('since', text, now), WrongUsage));
  }

  test('the days of a span, the latest first', () => {
    assert.deepEqual(daysBetween(now - DAY, now), ['2026-11-21', '2026-11-20']);
  });
});

test('a table leaves out empty columns, aligns wide characters and keeps to one line', () => {
  const rows = [
    { name: '世界', size: 5, note: '' },
    { name: 'a\nb', size: 1_000, note: '' },
  ];
  assert.equal(
    table(rows, [
      { title: 'Name', of: ({ name }) => name },
      { title: 'Size', right: true, of: ({ size }) => size },
      { title: 'Note', of: ({ note }) => note },
    ]),
    ['Name  Size', '────  ────', '世界     5', 'a\ufffdb   1000'].join('\n'),
  );
});

test('in a narrow terminal the columns that do not fit stand below, whole', () => {
  const rows = [{ name: 'a.txt', id: 'f'.repeat(20) }];
  const columns: Column<(typeof rows)[number]>[] = [
    { title: 'Name', of: ({ name }) => name },
    { title: 'Id', of: ({ id }) => id },
  ];
  assert.equal(table(rows, columns, 20), ['Name\n  Id', '─────', `a.txt\n  ${'f'.repeat(20)}`].join('\n'));
  assert.equal(table(rows, columns, 27).split('\n').length, 3, 'it fits exactly');
});

test('a wrong name is answered with the right one only where they are alike', () => {
  const names = ['status', 'audit', 'drop'];
  assert.equal(nearest('statsu', names, 3), 'status');
  assert.equal(nearest('foo', names, 3), undefined);
});

test('of a child that failed in a child the innermost failure is told', () => {
  const child = (error: string, Cause: string) =>
    JSON.stringify({ ExecutionArn: 'arn', Error: error, Cause });
  const cause = child('States.TaskFailed', child('OcrFailed', 'Textract gave up.'));
  assert.deepEqual(innermost('States.TaskFailed', cause), { error: 'OcrFailed', cause: 'Textract gave up.' });
  assert.deepEqual(innermost('OcrFailed', '{"page": 1}'), { error: 'OcrFailed', cause: '{"page": 1}' });
});
