import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock, MovableClock } from '../../local/clock.ts';
import { BREAKS } from '../../local/faults/breaks.ts';
import { Faults, type FaultyCall } from '../../local/faults/faults.ts';
import type { FaultPlan, RuleInput } from '../../local/faults/rules.ts';
import type { InvocationResult } from '../../local/services/lambda/environment.ts';
import type { BusEvent, Caller } from '../../local/services/service.ts';

const FUNCTION: Caller = { kind: 'role', roleArn: 'arn:aws:iam::1:role/Worker', sessionName: 'ocr-worker' };
const MACHINE: Caller = { kind: 'role', roleArn: 'arn:aws:iam::1:role/Machine', sessionName: 'run-1' };
const PERSON: Caller = { kind: 'administrator' };
const S3: Caller = { kind: 'service', service: 's3.amazonaws.com' };

const CALL: FaultyCall = {
  via: 'endpoint',
  service: 'textract',
  operation: 'DetectDocumentText',
  caller: FUNCTION,
};
const DELIVERY: FaultyCall = { via: 'process', service: 'sqs', operation: 'SendMessage', caller: S3 };

function faulty(plan: FaultPlan | RuleInput[] = {}) {
  const clock = new ManualClock();
  const faults = new Faults({ clock, isStateMachine: (arn) => arn === 'arn:aws:iam::1:role/Machine' });
  faults.set(plan);
  return { clock, faults };
}

/** What came of a call: `done`, or the name of its error. */
const outcome = (faults: Faults, call: Partial<FaultyCall> = {}, work = async () => 'done') =>
  faults.call({ ...CALL, ...call }, work).catch((error: Error) => error.name);

describe('calls', () => {
  test('nothing goes wrong unless it is switched on', async () => {
    const { faults } = faulty();
    assert.equal(await outcome(faults), 'done');
    assert.deepEqual(faults.report().rules, []);
  });

  const names = {
    textract: ['ProvisionedThroughputExceededException', 'InternalServerError'],
    comprehend: ['ThrottlingException', 'InternalServerException'],
    s3: ['SlowDown', 'InternalError'],
    lambda: ['TooManyRequestsException', 'ServiceException'],
    states: ['ThrottlingException', 'InternalFailure'],
  };
  for (const [service, [throttling = '', server = '']] of Object.entries(names)) {
    test(`${service} refuses and fails under its own names`, async () => {
      assert.equal(await outcome(faulty([{ fault: 'throttled', service }]).faults, { service }), throttling);
      assert.equal(await outcome(faulty([{ fault: 'failing', service }]).faults, { service }), server);
    });
  }

  test('a rule meets only the service, actions and callers it names', async () => {
    const { faults } = faulty([
      { fault: 'throttled', service: 'textract', operations: ['DetectDocumentText'], by: 'worker' },
    ]);
    assert.equal(await outcome(faults, { service: 's3' }), 'done');
    assert.equal(await outcome(faults, { operation: 'GetDocumentTextDetection' }), 'done');
    assert.equal(await outcome(faults, { caller: MACHINE, via: 'process' }), 'done');
    assert.equal(await outcome(faults), 'ProvisionedThroughputExceededException');
    assert.deepEqual(
      faults.report().rules.map(({ matched, met }) => [matched, met]),
      [[1, 1]],
    );
  });

  test('people, pollers, deliveries and what a stand-in does with a role are left alone unless they are named', async () => {
    const { faults } = faulty([{ fault: 'throttled' }]);
    assert.notEqual(await outcome(faults), 'done');
    assert.notEqual(await outcome(faults, { caller: MACHINE, via: 'process' }), 'done');
    assert.equal(await outcome(faults, { caller: PERSON }), 'done');
    assert.equal(await outcome(faults, DELIVERY), 'done');
    assert.equal(await outcome(faults, { service: 'sqs', via: 'process' }), 'done');
    assert.equal(await outcome(faults, { service: 's3', via: 'process' }), 'done');
    faults.set([{ fault: 'throttled', callers: ['administrator', 'poller'] }]);
    assert.notEqual(await outcome(faults, { caller: PERSON }), 'done');
    assert.notEqual(await outcome(faults, { service: 'sqs', via: 'process' }), 'done');
    assert.equal(await outcome(faults), 'done');
  });

  test('an error that is spelled out is answered', async () => {
    const { faults } = faulty([
      { fault: 'failing', error: { code: 'Odd', message: 'Very odd.', status: 418 } },
    ]);
    await assert.rejects(
      faults.call(CALL, async () => {}),
      { name: 'Odd', message: 'Very odd.', status: 418 },
    );
  });

  test('an answer that is lost belongs to work that was done, once; an action that only looks does nothing', async () => {
    const { faults } = faulty([{ fault: 'unanswered' }]);
    let done = 0;
    const work = async () => `${++done}`;
    assert.equal(
      await outcome(faults, { operation: 'StartDocumentTextDetection' }, work),
      'InternalServerError',
    );
    assert.equal(
      await outcome(faults, { operation: 'GetDocumentTextDetection' }, work),
      'InternalServerError',
    );
    assert.equal(done, 1);
  });

  test('a slow call takes its time by the clock', async () => {
    const { faults, clock } = faulty([{ fault: 'slow', seconds: 30 }]);
    let answer = 'none';
    const call = outcome(faults).then((text) => {
      answer = text;
    });
    await clock.advance(29_000);
    assert.equal(answer, 'none');
    await clock.advance(1000);
    await call;
    assert.equal(answer, 'done');
  });

  test('a rule with a count is spent after so many', async () => {
    const { faults } = faulty([{ fault: 'throttled', count: 2 }]);
    const outcomes = [await outcome(faults), await outcome(faults), await outcome(faults)];
    assert.deepEqual(
      outcomes.map((text) => text === 'done'),
      [false, false, true],
    );
  });
});

describe('chance', () => {
  const drawn = async (seed: number) => {
    const { faults } = faulty({ seed, rules: [{ fault: 'throttled', probability: 0.3 }] });
    const outcomes: boolean[] = [];
    for (let i = 0; i < 400; i++) outcomes.push((await outcome(faults)) === 'done');
    return outcomes;
  };

  test('the same seed brings the same faults, another seed others', async () => {
    const first = await drawn(7);
    assert.deepEqual(await drawn(7), first);
    assert.notDeepEqual(await drawn(8), first);
  });

  test('a probability is the share of what is met', async () => {
    const met = (await drawn(1)).filter((done) => !done).length;
    assert.ok(met > 80 && met < 160, `${met} of 400 at 0.3`);
  });

  test('a seed that was not given is drawn and told', () => {
    const { faults } = faulty({ breaks: ['everything'] });
    const { seed } = faults.report();
    assert.ok(Number.isSafeInteger(seed));
    faults.set({ seed, breaks: ['everything'] });
    assert.equal(faults.report().seed, seed);
  });
});

describe('events', () => {
  /** Delivers letters one after the other, without waiting for each, and answers what has arrived so far. */
  const post = (faults: Faults, letters: string) => {
    const arrived: string[] = [];
    for (const letter of letters) void faults.call(DELIVERY, async () => void arrived.push(letter));
    return arrived;
  };

  test('duplicated: each arrives twice, the second time later if so told', async () => {
    const { faults, clock } = faulty([{ fault: 'duplicated', seconds: 5 }]);
    const arrived = post(faults, 'ab');
    await clock.advance(0);
    assert.deepEqual(arrived, ['a', 'b']);
    await clock.advance(5000);
    assert.deepEqual(arrived.sort(), ['a', 'a', 'b', 'b']);
  });

  test('delayed: it arrives in the end', async () => {
    const { faults, clock } = faulty([{ fault: 'delayed', seconds: 60 }]);
    const arrived = post(faults, 'a');
    await clock.advance(59_000);
    assert.deepEqual(arrived, []);
    await clock.advance(1000);
    assert.deepEqual(arrived, ['a']);
  });

  test('reordered: a later one overtakes it; without one it waits only so long', async () => {
    const { faults, clock } = faulty([{ fault: 'reordered', count: 1, seconds: 10 }]);
    const arrived = post(faults, 'ab');
    await clock.advance(0);
    assert.deepEqual(arrived, ['b', 'a']);
    faults.set([{ fault: 'reordered', count: 1, seconds: 10 }]);
    const alone = post(faults, 'a');
    await clock.advance(9000);
    assert.deepEqual(alone, []);
    await clock.advance(1000);
    assert.deepEqual(alone, ['a']);
  });

  test('a rule meets only the sources it names, and no call that is not a delivery', async () => {
    const { faults, clock } = faulty([{ fault: 'delayed', from: ['sns'], seconds: 60 }]);
    assert.deepEqual(await Promise.all([outcome(faults, DELIVERY), outcome(faults)]), ['done', 'done']);
    faults.set([{ fault: 'delayed', seconds: 60 }]);
    assert.equal(await outcome(faults, { ...DELIVERY, operation: 'GetQueueUrl' }), 'done');
    assert.ok(clock.now() > 0);
  });

  test('lost: status changes only, and only those that are named; switching off lets what is held go on', async () => {
    const { faults, clock } = faulty([{ fault: 'lost', statuses: ['SUCCEEDED'] }]);
    const event = (source: string, status: string): BusEvent => ({
      source,
      'detail-type': 'Step Functions Execution Status Change',
      detail: { status },
    });
    assert.equal(faults.arrives(event('aws.states', 'SUCCEEDED')), false);
    assert.equal(faults.arrives(event('aws.states', 'RUNNING')), true);
    assert.equal(faults.arrives(event('aws.s3', 'SUCCEEDED')), true);
    faults.set([{ fault: 'delayed', seconds: 60 }]);
    const arrived = post(faults, 'a');
    faults.clear();
    await clock.advance(0);
    assert.deepEqual(arrived, ['a']);
  });
});

describe('crashes', () => {
  const done: InvocationResult = { payload: '"done"', failed: false, durationMs: 1, lines: [] };
  const killed: InvocationResult = { payload: '"killed"', failed: true, durationMs: 0, lines: [] };

  const crash = async (moment: 'before' | 'during' | 'after', functionName = 'ocr-worker') => {
    const { faults } = faulty([{ fault: 'crashed', moment, function: 'ocr' }]);
    const log: string[] = [];
    const invocation = { functionName, kill: () => void log.push('killed'), killed: () => killed };
    const result = await faults.invocation(invocation, async () => {
      for (const name of ['a', 'b', 'c', 'd']) {
        await faults.call(CALL, async () => void log.push(name));
      }
      return done;
    });
    return { log: log.join(' '), result };
  };

  test('before: the process is gone when the work would begin', async () => {
    const { log, result } = await crash('before');
    assert.match(log, /^killed/);
    assert.equal(result, killed);
  });

  test('during: the process is gone when AWS has done one of its first calls', async () => {
    const { log } = await crash('during');
    assert.match(log, /^(a|a b|a b c) killed/);
    assert.equal(log.match(/killed/g)?.length, 1);
  });

  test('after: all is done, and the result is lost', async () => {
    const { log, result } = await crash('after');
    assert.equal(log, 'a b c d killed');
    assert.equal(result, killed);
  });

  test('other functions live', async () => {
    const { log, result } = await crash('after', 'intake');
    assert.equal(log, 'a b c d');
    assert.equal(result, done);
  });
});

describe('plans', () => {
  const wrong: [what: string, plan: unknown, message: RegExp][] = [
    ['a break nobody knows', { breaks: ['orc'] }, /no break "orc".*ocr, warehouse, help-desk/s],
    ['a fault nobody knows', [{ fault: 'gremlins' }], /rules\[0\]/],
    ['a misspelled member', [{ fault: 'throttled', operation: 'x' }], /"operation"/],
    ['a probability over 1', [{ fault: 'throttled', probability: 5 }], /rules\[0\]\.probability/],
    ['a range that ends before it begins', [{ fault: 'slow', seconds: [3, 1] }], /rules\[0\]\.seconds/],
    ['text', 'ocr', /expected object/],
  ];
  for (const [what, plan, message] of wrong) {
    test(`${what} is refused with where and why, and what was on stays on`, () => {
      const { faults } = faulty([{ fault: 'lost' }]);
      assert.throws(() => faults.set(plan as never), { name: 'InvalidFaults', message });
      assert.equal(faults.report().rules[0]?.fault, 'lost');
    });
  }

  test('every named set can be switched on, alone and with others', () => {
    for (const name of Object.keys(BREAKS))
      assert.ok(faulty({ breaks: [name] }).faults.report().rules.length > 0);
    const all = faulty({ breaks: Object.keys(BREAKS), rules: [{ fault: 'lost' }] }).faults.report().rules;
    assert.equal(all.at(-1)?.fault, 'lost');
  });
});

describe('the help desk, the CRM and the clock', () => {
  test('faults of the help desk and of the CRM are met as often as they should, each by itself', () => {
    const { faults } = faulty([
      { fault: 'help-desk', how: 'nonsense', count: 1 },
      { fault: 'crm', how: 'down', count: 1 },
    ]);
    assert.deepEqual([faults.server('help-desk'), faults.server('help-desk')], ['nonsense', undefined]);
    assert.deepEqual([faults.server('crm'), faults.server('crm')], ['down', undefined]);
  });

  test('a movable clock jumps ahead, and what is due by then happens in order', async () => {
    const clock = new MovableClock();
    const faults = new Faults({ clock, isStateMachine: () => false });
    const before = clock.now();
    const order: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.after(3_000_000, () => order.push('later'));
    clock.after(1_000_000, () => order.push('sooner'));
    clock.after(3_100_000, resolve);
    const cancel = clock.after(2_000_000, () => order.push('never'));
    cancel();
    faults.set([{ fault: 'clock', seconds: 3600 }]);
    await promise;
    assert.deepEqual(order, ['sooner', 'later']);
    assert.ok(clock.now() - before >= 3_600_000);
    assert.throws(() => clock.jump(-1), RangeError);
  });
});
