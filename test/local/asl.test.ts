import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StateError } from '../../local/asl/errors.ts';
import { retryDelay } from '../../local/asl/retry.ts';
import { validateDefinition } from '../../local/asl/validate.ts';
import { ManualClock } from '../../local/clock.ts';
import { Harness, json, LAMBDA, lambda, NamedError } from './states-harness.ts';

const pass = (fields: object) => ({
  StartAt: 'Pass',
  States: { Pass: { Type: 'Pass', End: true, ...fields } },
});
const one = (state: object) => ({ StartAt: 'One', States: { One: { End: true, ...state } } });
const call = {
  Type: 'Task',
  Resource: LAMBDA,
  Arguments: { FunctionName: 'f', Payload: '{% $states.input %}' },
};

async function evaluated(Output: unknown, input: unknown = {}) {
  using harness = new Harness();
  const { status, output, error, cause } = await harness.run(pass({ Output }), input);
  return status === 'SUCCEEDED' ? json(output) : { error, cause };
}

test('expressions stand anywhere in a template and everything else is literal', async () => {
  assert.deepEqual(
    await evaluated(
      {
        total: '{% $sum($states.input.prices) %}',
        list: ['{% 1 + 1 %}', 'plain {% 2 %}', null, { deep: '{% true %}' }],
      },
      { prices: [1, 2, 3] },
    ),
    { total: 6, list: [2, 'plain {% 2 %}', null, { deep: true }] },
  );
});

test('paths into $states keep arrays as they are and map over arrays on the way', async () => {
  const input = { one: [1], none: [], rows: [{ id: 1 }, { id: 2 }], text: null };
  assert.deepEqual(await evaluated('{% $states.input.one %}', input), [1]);
  assert.deepEqual(await evaluated('{% $states.input.none %}', input), []);
  assert.deepEqual(await evaluated('{% $states.input.rows.id %}', input), [1, 2]);
  assert.equal(await evaluated('{% $states.input.text %}', input), null);
});

test('AWS functions are there and $eval is not', async () => {
  assert.deepEqual(await evaluated('{% $partition([1,2,3,4,5], 2) %}'), [[1, 2], [3, 4], [5]]);
  assert.deepEqual(await evaluated('{% $range(0, 6, 2) %}'), [0, 2, 4, 6]);
  assert.equal(await evaluated("{% $hash('a', 'MD5') %}"), '0cc175b9c0f1b6a831c399e269772661');
  assert.equal(await evaluated('{% $random(7) = $random(7) and $random() < 1 %}'), true);
  assert.equal(await evaluated('{% $length($uuid()) %}'), 36);
  assert.deepEqual(await evaluated(`{% $parse('{"a": [1]}') %}`), { a: [1] });
  assert.deepEqual(Object(await evaluated("{% $eval('1') %}")).error, 'States.QueryEvaluationError');
});

test('an expression that gives nothing fails with its source and field, and is recorded', async () => {
  using harness = new Harness();
  const failed = await harness.run(pass({ Output: '{% $states.input.missing %}' }));
  assert.equal(failed.error, 'States.QueryEvaluationError');
  assert.equal(
    failed.cause,
    "An error occurred while executing the state 'Pass' (entered at the event id #2). The JSONata expression '$states.input.missing' specified for the field 'Output' returned nothing (undefined).",
  );
  assert.deepEqual(await harness.types(failed.executionArn), [
    'ExecutionStarted',
    'PassStateEntered',
    'EvaluationFailed',
    'ExecutionFailed',
  ]);
});

test('Assign and Output see the variables as they were when the state was entered', async () => {
  using harness = new Harness();
  const { output } = await harness.run(
    {
      StartAt: 'First',
      States: {
        First: { Type: 'Pass', Assign: { x: 3, a: 6 }, Next: 'Second' },
        Second: {
          Type: 'Pass',
          Assign: { x: '{% $a %}', next: '{% $x %}' },
          Output: { x: '{% $x %}' },
          Next: 'Third',
        },
        Third: {
          Type: 'Pass',
          Output: { before: '{% $states.input.x %}', x: '{% $x %}', next: '{% $next %}' },
          End: true,
        },
      },
    },
    {},
  );
  assert.deepEqual(json(output), { before: 3, x: 6, next: 3 });
});

test('iterations see outer variables, and theirs do not leave the iteration', async () => {
  using harness = new Harness();
  const { output } = await harness.run({
    StartAt: 'Set',
    States: {
      Set: { Type: 'Pass', Assign: { factor: 10 }, Next: 'Each' },
      Each: {
        Type: 'Map',
        Items: [1, 2, 3],
        ItemSelector: {
          n: '{% $states.context.Map.Item.Value %}',
          i: '{% $states.context.Map.Item.Index %}',
        },
        ItemProcessor: {
          StartAt: 'Times',
          States: {
            Times: { Type: 'Pass', Assign: { mine: '{% $states.input.n * $factor %}' }, Next: 'Give' },
            Give: { Type: 'Pass', Output: '{% $mine + $states.input.i %}', End: true },
          },
        },
        Assign: { all: '{% $states.result %}' },
        Next: 'After',
      },
      After: { Type: 'Pass', Output: { all: '{% $all %}', gone: '{% $exists($mine) %}' }, End: true },
    },
  });
  assert.deepEqual(json(output), { all: [10, 21, 32], gone: false });
});

test('Choice takes the first rule that holds, with its own Assign and Output', async () => {
  using harness = new Harness();
  const definition = {
    StartAt: 'Choose',
    States: {
      Choose: {
        Type: 'Choice',
        Choices: [
          { Condition: '{% $states.input.n > 10 %}', Next: 'End', Output: 'big', Assign: { size: 'L' } },
          { Condition: '{% $states.input.n > 5 %}', Next: 'End', Output: 'middle', Assign: { size: 'M' } },
        ],
        Default: 'End',
        Assign: { size: 'S' },
      },
      End: { Type: 'Succeed', Output: '{% [$states.input, $size] %}' },
    },
  };
  assert.deepEqual(json((await harness.run(definition, { n: 11 })).output), ['big', 'L']);
  assert.deepEqual(json((await harness.run(definition, { n: 6 })).output), ['middle', 'M']);
  assert.deepEqual(json((await harness.run(definition, { n: 1 })).output), [{ n: 1 }, 'S']);
});

test('Choice without a match fails with States.NoChoiceMatched; a condition must be boolean', async () => {
  using harness = new Harness();
  const definition = (Condition: string) => ({
    StartAt: 'Choose',
    States: { Choose: { Type: 'Choice', Choices: [{ Condition, Next: 'End' }] }, End: { Type: 'Succeed' } },
  });
  assert.equal((await harness.run(definition('{% false %}'))).error, 'States.NoChoiceMatched');
  const failed = await harness.run(definition("{% 'yes' %}"));
  assert.equal(failed.error, 'States.QueryEvaluationError');
  assert.match(String(failed.cause), /Expected 'boolean', but was 'string' for value: "yes"/);
});

test('Fail takes its error and cause from expressions', async () => {
  using harness = new Harness();
  const failed = await harness.run(
    {
      StartAt: 'F',
      States: {
        F: { Type: 'Fail', Error: '{% $states.input.e %}', Cause: "{% 'because ' & $states.input.e %}" },
      },
    },
    { e: 'Broken' },
  );
  assert.deepEqual([failed.status, failed.error, failed.cause], ['FAILED', 'Broken', 'because Broken']);
});

test('which error names a retrier or catcher matches', () => {
  const matches = (name: string, pattern: string) => new StateError(name).matches([pattern]);
  assert.equal(matches('Any', 'States.ALL'), true);
  assert.equal(matches('Any', 'States.TaskFailed'), true);
  assert.equal(matches('States.Timeout', 'States.ALL'), true);
  assert.equal(matches('States.Timeout', 'States.TaskFailed'), false);
  assert.equal(matches('States.DataLimitExceeded', 'States.ALL'), false);
  assert.equal(matches('States.Runtime', 'States.ALL'), false);
  assert.equal(matches('States.Runtime', 'States.TaskFailed'), false);
  assert.equal(matches('States.Runtime', 'States.Runtime'), true);
  assert.equal(matches('States.QueryEvaluationError', 'States.ALL'), true);
});

test('retries wait with back-off, a longest delay and full jitter', () => {
  const retrier = { ErrorEquals: ['E'], IntervalSeconds: 3, BackoffRate: 1.5 };
  assert.deepEqual(
    [0, 1, 2].map((n) => retryDelay(retrier, n, 0.5)),
    [3000, 4500, 6750],
  );
  assert.equal(retryDelay({ ...retrier, MaxDelaySeconds: 4 }, 1, 0.5), 4000);
  assert.equal(retryDelay({ ...retrier, JitterStrategy: 'FULL' }, 0, 0.5), 1500);
});

test('each retrier counts its own attempts; then the catcher gets the error', async () => {
  using harness = new Harness(new ManualClock());
  const errors = ['ErrorA', 'ErrorB', 'ErrorA', 'ErrorB', 'ErrorB'];
  let calls = 0;
  harness.stubs['lambda.Invoke'] = lambda(() => {
    throw new NamedError(errors[calls++] ?? 'None');
  });
  await harness.create('m', {
    StartAt: 'Work',
    States: {
      Work: {
        ...call,
        Retry: [
          { ErrorEquals: ['ErrorA'], IntervalSeconds: 1, MaxAttempts: 2 },
          { ErrorEquals: ['ErrorB'], IntervalSeconds: 5, MaxAttempts: 2 },
        ],
        Catch: [
          {
            ErrorEquals: ['States.ALL'],
            Assign: { name: '{% $states.errorOutput.Error %}' },
            Output: { tries: '{% $states.context.State.RetryCount %}', was: '{% $states.input %}' },
            Next: 'After',
          },
        ],
        End: true,
      },
      After: { Type: 'Pass', Output: '{% $merge([$states.input, {"name": $name}]) %}', End: true },
    },
  });
  const arn = await harness.start('m', 'in');
  await harness.time.advance(60_000);
  const { output } = await harness.ended(arn);
  assert.deepEqual(json(output), { tries: 4, was: 'in', name: 'ErrorB' });
  assert.equal(calls, 5);
  const scheduled = (await harness.history(arn)).filter(({ type }) => type === 'TaskScheduled');
  assert.deepEqual(
    scheduled.map(({ timestamp }) => timestamp - (scheduled[0]?.timestamp ?? 0)),
    [0, 1, 6, 8, 18],
  );
});

test('a catcher without Output gives the error output on', async () => {
  using harness = new Harness();
  harness.stubs['lambda.Invoke'] = lambda(() => {
    throw new NamedError('CustomError', 'This is a custom error!');
  });
  const { output } = await harness.run({
    StartAt: 'Work',
    States: {
      Work: { ...call, Catch: [{ ErrorEquals: ['CustomError'], Next: 'Fallback' }], End: true },
      Fallback: { Type: 'Pass', End: true },
    },
  });
  const { Error: error, Cause } = Object(json(output));
  assert.equal(error, 'CustomError');
  assert.deepEqual(json(Cause), {
    errorMessage: 'This is a custom error!',
    errorType: 'CustomError',
    trace: [],
  });
});

test('a task that takes longer than TimeoutSeconds times out and its call is cancelled', async () => {
  using harness = new Harness(new ManualClock());
  let cancelled = false;
  harness.stubs['lambda.Invoke'] = (_input, _caller, signal) =>
    new Promise(() => {
      signal?.addEventListener('abort', () => {
        cancelled = true;
      });
    });
  await harness.create('m', one({ ...call, TimeoutSeconds: '{% $states.input.t %}' }));
  const arn = await harness.start('m', { t: 5 });
  await harness.time.advance(5000);
  assert.equal((await harness.ended(arn)).error, 'States.Timeout');
  assert.equal(cancelled, true);
  assert.deepEqual((await harness.types(arn)).slice(-2), ['TaskTimedOut', 'ExecutionFailed']);
});

test('the state machine’s own TimeoutSeconds ends the execution as TIMED_OUT', async () => {
  using harness = new Harness(new ManualClock());
  await harness.create('m', { TimeoutSeconds: 10, ...one({ Type: 'Wait', Seconds: 60 }) });
  const arn = await harness.start('m');
  await harness.time.advance(10_000);
  assert.equal((await harness.ended(arn)).status, 'TIMED_OUT');
  assert.deepEqual((await harness.types(arn)).slice(-2), ['WaitStateAborted', 'ExecutionTimedOut']);
});

test('Wait takes seconds or a timestamp', async () => {
  using harness = new Harness(new ManualClock());
  const began = harness.clock.now();
  await harness.create('m', {
    StartAt: 'A',
    States: {
      A: { Type: 'Wait', Seconds: '{% $states.input.s %}', Next: 'B' },
      B: { Type: 'Wait', Timestamp: '{% $states.input.until %}', End: true },
    },
  });
  const arn = await harness.start('m', { s: 30, until: new Date(began + 90_000).toISOString() });
  await harness.time.advance(100_000);
  const { startDate, stopDate } = await harness.ended(arn);
  assert.equal(Number(stopDate) - Number(startDate), 90);
});

test('Parallel gives the outputs in the order of its branches; a failed branch cancels the others', async () => {
  using harness = new Harness();
  const branch = (state: object) => ({ StartAt: 'S', States: { S: { End: true, ...state } } });
  const named = (name: string, state: object) => ({ StartAt: name, States: { [name]: state } });
  const good = await harness.run(
    one({
      Type: 'Parallel',
      Arguments: '{% $states.input.n %}',
      Branches: [
        named('A', { Type: 'Pass', Output: '{% $states.input + 1 %}', End: true }),
        named('B', { Type: 'Pass', Output: '{% $states.input + 2 %}', End: true }),
      ],
    }),
    { n: 1 },
  );
  assert.equal(good.output, '[2,3]');
  const bad = await harness.run(
    one({
      Type: 'Parallel',
      Branches: [branch({ Type: 'Wait', Seconds: 3600 }), named('F', { Type: 'Fail', Error: 'Oops' })],
    }),
  );
  assert.equal(bad.error, 'Oops');
  assert.deepEqual((await harness.types(bad.executionArn)).slice(-4), [
    'FailStateEntered',
    'WaitStateAborted',
    'ParallelStateFailed',
    'ExecutionFailed',
  ]);
});

const each = (more: object) =>
  one({
    Type: 'Map',
    ItemProcessor: {
      StartAt: 'Do',
      States: { Do: { ...call, Output: '{% $states.result.Payload %}', End: true } },
    },
    ...more,
  });

test('Map runs at most MaxConcurrency iterations at once', async () => {
  using harness = new Harness();
  let now = 0;
  let most = 0;
  harness.stubs['lambda.Invoke'] = lambda(async (payload) => {
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    now--;
    return payload;
  });
  const { output } = await harness.run(each({ MaxConcurrency: 2 }), [1, 2, 3, 4, 5]);
  assert.equal(output, '[1,2,3,4,5]');
  assert.equal(most, 2);
});

test('Map is retried as a whole when an iteration fails', async () => {
  using harness = new Harness();
  const seen: unknown[] = [];
  harness.stubs['lambda.Invoke'] = lambda((payload) => {
    if (seen.push(payload) === 2) throw new NamedError('Flaky');
    return payload;
  });
  const Retry = [{ ErrorEquals: ['Flaky'], IntervalSeconds: 0 }];
  const { output } = await harness.run(each({ MaxConcurrency: 1, Retry }), [1, 2, 3]);
  assert.equal(output, '[1,2,3]');
  assert.deepEqual(seen, [1, 2, 1, 2, 3]);
});

test('a payload over 256 KiB ends the execution; States.ALL does not catch it', async () => {
  using harness = new Harness();
  harness.stubs['lambda.Invoke'] = lambda(() => 'x'.repeat(262_145));
  const failed = await harness.run({
    StartAt: 'Big',
    States: {
      Big: { ...call, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Never' }], End: true },
      Never: { Type: 'Succeed' },
    },
  });
  assert.equal(failed.error, 'States.DataLimitExceeded');
});

test('the validator names what is wrong and where', () => {
  const problems = validateDefinition({
    QueryLanguage: 'JSONata',
    StartAt: 'A',
    States: {
      A: { Type: 'Pass', Next: 'Nowhere', ResultPath: '$.x' },
      B: { Type: 'Dance', End: true },
      C: { Type: 'Task', Resource: 'ftp://x', End: true, Output: '{% $( %}' },
      D: { Type: 'Pass', Assign: { states: 1 }, End: true },
    },
  });
  for (const expected of [
    '/States/A/ResultPath: is a JSONPath field',
    '/States/A/Next: names no state: "Nowhere"',
    '/States/B/Type: unknown state type "Dance"',
    '/States/C/Resource: is no resource that a Task can call: "ftp://x"',
    '/States/C/Output: is not a JSONata expression',
    "/States/D/Assign: 'states' is not a variable name",
    '/States/B: cannot be reached from StartAt',
  ])
    assert.ok(
      problems.some((problem) => problem.startsWith(expected)),
      `${expected}\nis not in\n${problems.join('\n')}`,
    );
});

test('a JSONPath definition is refused with the name of its state', () => {
  const definition = { StartAt: 'Old', States: { Old: { Type: 'Pass', Parameters: {}, End: true } } };
  assert.match(validateDefinition(definition)[0] ?? '', /state 'Old' uses JSONPath/);
  const mixed = {
    QueryLanguage: 'JSONata',
    StartAt: 'Old',
    States: { Old: { Type: 'Pass', QueryLanguage: 'JSONPath', End: true } },
  };
  assert.match(validateDefinition(mixed)[0] ?? '', /state 'Old' uses JSONPath/);
});
