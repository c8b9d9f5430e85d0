import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { lambdaHarness, ROLE, until } from './lambda-harness.ts';

const handler = (body: string) => `export const handler = async (event, context) => { ${body} };`;

describe('an invocation', () => {
  test('answers with what the handler returns', async (t) => {
    const { define, invoke } = lambdaHarness(t);
    await define('echo', handler('return { event };'));
    const output = await invoke('echo', { a: 'ü' });
    assert.deepEqual(output.payload, { event: { a: 'ü' } });
    assert.equal(output.StatusCode, 200);
    assert.equal(output.ExecutedVersion, '$LATEST');
    assert.equal('FunctionError' in output, false);
  });

  test('answers null where the handler returns nothing', async (t) => {
    const { define, invoke } = lambdaHarness(t);
    await define('silent', handler(''));
    assert.equal((await invoke('silent')).payload, null);
  });

  test('carries large payloads both ways', async (t) => {
    const { define, invoke } = lambdaHarness(t);
    await define('echo', handler('return event;'));
    const text = 'x'.repeat(5_000_000);
    assert.equal((await invoke('echo', { text })).payload.text.length, text.length);
  });

  test('that throws answers type, message and trace of the error', async (t) => {
    const { define, invoke, log } = lambdaHarness(t);
    await define('bad', handler(`const e = new Error('no page'); e.name = 'UnreadableDocument'; throw e;`));
    const { FunctionError, payload } = await invoke('bad');
    assert.equal(FunctionError, 'Unhandled');
    assert.equal(payload.errorType, 'UnreadableDocument');
    assert.equal(payload.errorMessage, 'no page');
    assert.match(payload.trace[0], /no page/);
    assert.ok(log('bad').some((line) => line.includes('\tERROR\tInvoke Error')));
  });

  test('sees the environment of Lambda and nothing of this process', async (t) => {
    const { context, define, invoke } = lambdaHarness(t);
    await define(
      'env',
      handler('return { env: process.env, context, left: context.getRemainingTimeInMillis() };'),
      {
        MemorySize: 256,
        Environment: { Variables: { TABLE: 'audit' } },
      },
    );
    const { payload } = await invoke('env');
    const { env } = payload;
    assert.equal(env.TABLE, 'audit');
    assert.equal(env.AWS_LAMBDA_FUNCTION_NAME, 'env');
    assert.equal(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE, '256');
    assert.equal(env.AWS_REGION, context.region);
    assert.equal(env.AWS_ENDPOINT_URL, context.endpoint);
    assert.equal(env.AWS_EXECUTION_ENV, 'AWS_Lambda_nodejs24.x');
    assert.equal(env.TZ, ':UTC');
    assert.match(env._X_AMZN_TRACE_ID, /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=1$/);
    assert.deepEqual([env.HOME, env.NODE_CHANNEL_FD], [undefined, undefined]);
    assert.equal(payload.context.invokedFunctionArn, 'arn:aws:lambda:eu-west-1:123456789012:function:env');
    assert.equal(payload.context.memoryLimitInMB, '256');
    assert.ok(payload.left > 15_000 && payload.left <= 20_000);
  });

  test('reuses its environment, with what the module has kept', async (t) => {
    const { define, invoke } = lambdaHarness(t);
    await define('count', `let n = 0; ${handler('return [process.pid, ++n];')}`);
    const [pid, first] = (await invoke('count')).payload;
    assert.equal(first, 1);
    assert.deepEqual((await invoke('count')).payload, [pid, 2]);
  });

  test('that runs out of time ends with its environment', async (t) => {
    const { define, invoke, log } = lambdaHarness(t);
    await define('slow', `let n = 0; ${handler('if (event.hang) for (;;); return ++n;')}`, { Timeout: 1 });
    assert.equal((await invoke('slow')).payload, 1);
    const { FunctionError, payload } = await invoke('slow', { hang: true });
    assert.equal(FunctionError, 'Unhandled');
    assert.equal(payload.errorType, 'Sandbox.Timedout');
    assert.match(
      payload.errorMessage,
      /^RequestId: [0-9a-f-]{36} Error: Task timed out after 1\.00 seconds$/,
    );
    assert.ok(log('slow').some((line) => line.endsWith('Task timed out after 1.00 seconds')));
    assert.equal((await invoke('slow')).payload, 1);
  });

  test('that runs out of memory is killed', async (t) => {
    const { define, invoke } = lambdaHarness(t);
    await define('greedy', handler('const all = []; for (;;) all.push(new Array(100000).fill({}));'), {
      MemorySize: 64,
    });
    const { FunctionError, payload } = await invoke('greedy');
    assert.equal(FunctionError, 'Unhandled');
    assert.equal(payload.errorType, 'Runtime.ExitError');
    assert.match(payload.errorMessage, /Runtime exited with error: signal: killed$/);
  });

  test('that ends its process is answered for', async (t) => {
    const { define, invoke } = lambdaHarness(t);
    await define('exit', handler('process.exit(event.code);'));
    const messageOf = async (code: number) => (await invoke('exit', { code })).payload.errorMessage;
    assert.match(await messageOf(0), /Runtime exited without providing a reason$/);
    assert.match(await messageOf(3), /Runtime exited with error: exit status 3$/);
  });

  test('whose background work fails answers that failure', async (t) => {
    const { define, invoke } = lambdaHarness(t);
    const wait = 'await new Promise((resolve) => setTimeout(resolve, 10_000));';
    await define('rejects', handler(`Promise.reject(new Error('lost')); ${wait}`));
    assert.equal((await invoke('rejects')).payload.errorType, 'Runtime.UnhandledPromiseRejection');
    await define('throws', handler(`setImmediate(() => { throw new RangeError('late'); }); ${wait}`));
    assert.equal((await invoke('throws')).payload.errorType, 'RangeError');
  });

  const unloadable: [what: string, source: string, properties: object, errorType: string][] = [
    ['throws while it loads', `throw new TypeError('no table');`, {}, 'TypeError'],
    ['is not there', handler(''), { Handler: 'other.handler' }, 'Runtime.ImportModuleError'],
    ['exports something else', 'export const other = 1;', {}, 'Runtime.HandlerNotFound'],
    ['is no JavaScript', 'export const = ;', {}, 'Runtime.UserCodeSyntaxError'],
    [
      'wants a callback',
      'export const handler = (e, c, done) => done();',
      {},
      'Runtime.CallbackHandlerDeprecated',
    ],
  ];
  for (const [what, source, properties, errorType] of unloadable) {
    test(`of a module that ${what} answers ${errorType}`, async (t) => {
      const { define, invoke } = lambdaHarness(t);
      await define('broken', source, { ...properties });
      const { FunctionError, payload } = await invoke('broken');
      assert.equal(FunctionError, 'Unhandled');
      assert.equal(payload.errorType, errorType);
    });
  }

  test('too large, not JSON, or of an unknown function is refused', async (t) => {
    const { define, invoke, call } = lambdaHarness(t);
    await define('echo', handler('return event;'));
    const tooLarge = { code: 'RequestTooLargeException', status: 413 };
    await assert.rejects(invoke('echo', 'x'.repeat(6 * 1024 * 1024)), tooLarge);
    await assert.rejects(invoke('echo', 'x'.repeat(1024 * 1024), { InvocationType: 'Event' }), tooLarge);
    await assert.rejects(call('Invoke', { FunctionName: 'echo', Payload: '{' }), {
      code: 'InvalidRequestContentException',
    });
    await assert.rejects(invoke('nobody'), { code: 'ResourceNotFoundException', status: 404 });
  });

  test('needs lambda:InvokeFunction on the function', async (t) => {
    const { context, define, invoke } = lambdaHarness(t);
    await define('echo', handler('return event;'));
    assert.equal((await invoke('echo', {}, { InvocationType: 'DryRun' })).StatusCode, 204);
    assert.deepEqual(context.authorized.at(-1)?.action, 'lambda:InvokeFunction');
    assert.match(context.authorized.at(-1)?.resource ?? '', /:function:echo$/);
    context.deny = () => true;
    await assert.rejects(invoke('echo'), { code: 'AccessDenied' });
  });
});

describe('logs', () => {
  test('stand between START and END, in the order they were written', async (t) => {
    const { define, invoke, log } = lambdaHarness(t);
    await define(
      'talker',
      handler(
        `console.log('one', { a: 1 }); process.stderr.write('two\\n'); process.stdout.write('three\\nfour');`,
      ),
    );
    const { LogResult } = await invoke('talker', {}, { LogType: 'Tail' });
    const [start, one, two, three, four, end, report] = log('talker');
    assert.match(start ?? '', /^START RequestId: [0-9a-f-]{36} Version: \$LATEST$/);
    assert.match(one ?? '', /^\d{4}-.*Z\t[0-9a-f-]{36}\tINFO\tone \{ a: 1 \}$/);
    assert.deepEqual([two, three, four], ['two', 'three', 'four']);
    assert.match(end ?? '', /^END RequestId/);
    assert.match(
      report ?? '',
      /^REPORT RequestId: \S+\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms$/,
    );
    assert.equal(Buffer.from(String(LogResult), 'base64').toString(), log('talker').join('\n'));
  });

  test('are JSON where the function asks for it, from the level it asks for', async (t) => {
    const { context, define, invoke } = lambdaHarness(t);
    await define(
      'json',
      handler(`console.debug('no'); console.warn('yes'); console.error(new Error('bad'));`),
      {
        LoggingConfig: { LogGroup: 'own', LogFormat: 'JSON', ApplicationLogLevel: 'INFO' },
      },
    );
    await invoke('json');
    assert.ok(context.lines.every(({ group }) => group === 'own'));
    const [start, warn, error, report] = context.lines.map(({ message }) => JSON.parse(message));
    assert.equal(start.type, 'platform.start');
    assert.deepEqual([warn.level, warn.message], ['WARN', 'yes']);
    assert.equal(error.errorMessage, 'bad');
    assert.equal(report.record.status, 'success');
  });
});

describe('environments', () => {
  test('one function runs several invocations at a time, each in a process of its own', async (t) => {
    const { define, invoke } = lambdaHarness(t, { concurrency: 3 });
    const folder = mkdtempSync(join(tmpdir(), 'millrace-pids-'));
    t.after(() => rmSync(folder, { recursive: true }));
    // Each is busy until there are two, however long a process takes to start.
    await define(
      'pid',
      handler(`const fs = await import('node:fs');
        fs.writeFileSync(${JSON.stringify(folder)} + '/' + process.pid, '');
        while (fs.readdirSync(${JSON.stringify(folder)}).length < 2) await new Promise((r) => setTimeout(r, 20));
        return process.pid;`),
      { Timeout: 60 },
    );
    const outputs = await Promise.all(Array.from({ length: 4 }, () => invoke('pid')));
    const pids = new Set(outputs.map(({ payload }) => payload));
    assert.ok(pids.size > 1 && pids.size <= 3, `${pids.size} processes`);
  });

  test('a full pool makes room for a function that has none', async (t) => {
    const { define, invoke } = lambdaHarness(t, { concurrency: 1 });
    const source = handler('return context.functionName;');
    for (const name of ['a', 'b']) await define(name, source);
    const outputs = await Promise.all(['a', 'b', 'a', 'b', 'a'].map((name) => invoke(name)));
    assert.deepEqual(
      outputs.map(({ payload }) => payload),
      ['a', 'b', 'a', 'b', 'a'],
    );
  });

  test('an unused environment ends after a while', async (t) => {
    const { context, define, invoke } = lambdaHarness(t, { idleMs: 60_000 });
    await define('pid', handler('return process.pid;'));
    const { payload: pid } = await invoke('pid');
    await context.manual.advance(59_000);
    assert.equal((await invoke('pid')).payload, pid);
    await context.manual.advance(60_000);
    assert.notEqual((await invoke('pid')).payload, pid);
  });

  test('one that dies between invocations is replaced', async (t) => {
    const { define, invoke } = lambdaHarness(t);
    await define('pid', handler('return process.pid;'));
    const { payload: pid } = await invoke('pid');
    process.kill(pid, 'SIGKILL');
    await until(() => !isRunning(pid));
    await new Promise(setImmediate);
    assert.notEqual((await invoke('pid')).payload, pid);
  });

  test('all are gone when the service has stopped', async (t) => {
    const { define, invoke, lambda } = lambdaHarness(t);
    await define('pid', handler('return process.pid;'));
    const { payload: pid } = await invoke('pid');
    await lambda.stop?.();
    assert.equal(isRunning(pid), false);
  });

  test('beyond the reserved concurrency invocations are throttled', async (t) => {
    const { context, define, invoke, call } = lambdaHarness(t);
    await define('one', handler('await new Promise((r) => setTimeout(r, 200));'), {
      ReservedConcurrentExecutions: 1,
    });
    const first = invoke('one');
    await assert.rejects(invoke('one'), { code: 'TooManyRequestsException', status: 429 });
    await first;
    assert.ok(context.metrics.some(({ name, value }) => name === 'Throttles' && value === 1));
    await call('PutFunctionConcurrency', { FunctionName: 'one', ReservedConcurrentExecutions: 0 });
    await assert.rejects(invoke('one'), { code: 'TooManyRequestsException' });
  });

  test('a changed configuration holds from the next invocation', async (t) => {
    const { define, invoke, call } = lambdaHarness(t);
    await define('env', handler('return process.env.A ?? null;'));
    assert.equal((await invoke('env')).payload, null);
    await call('UpdateFunctionConfiguration', {
      FunctionName: 'env',
      Environment: { Variables: { A: 'b' } },
    });
    assert.equal((await invoke('env')).payload, 'b');
  });

  test('invocations, errors and durations are counted', async (t) => {
    const { context, define, invoke } = lambdaHarness(t);
    await define('bad', handler('throw new Error();'));
    await invoke('bad');
    const counted = Object.fromEntries(context.metrics.map(({ name, value }) => [name, value]));
    assert.equal(counted.Invocations, 1);
    assert.equal(counted.Errors, 1);
    assert.ok((counted.Duration ?? 0) > 0);
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('the template', () => {
  const properties = { Role: ROLE, Runtime: 'python3.13', Code: { ZipFile: 'pass' } };

  test('may hold inline code', async (t) => {
    const { provision, invoke } = lambdaHarness(t);
    const { ref, attributes } = await provision('AWS::Lambda::Function', {
      Role: ROLE,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Code: { ZipFile: 'exports.handler = async () => 42;' },
    });
    assert.equal(attributes.Arn, `arn:aws:lambda:eu-west-1:123456789012:function:${ref}`);
    assert.equal((await invoke(ref)).payload, 42);
  });

  test('with a runtime that does not run here stops the start', async (t) => {
    const { provision } = lambdaHarness(t);
    await assert.rejects(provision('AWS::Lambda::Function', properties, 'Scorer'), /Scorer .*python3\.13/);
  });

  test("may hold the CDK's own helpers in any runtime, which are never run", async (t) => {
    const { provision, invoke } = lambdaHarness(t);
    const { ref } = await provision('AWS::Lambda::Function', properties, 'BucketNotificationsHandler050a');
    await assert.rejects(invoke(ref), { code: 'InvalidRuntimeException' });
  });

  test('gives permissions that become the policy of the function', async (t) => {
    const { context, define, provision, call } = lambdaHarness(t);
    const { attributes } = await define('target', handler(''));
    await provision('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunction',
      FunctionName: attributes.Arn,
      Principal: 'events.amazonaws.com',
      SourceArn: 'arn:aws:events:eu-west-1:123456789012:rule/r',
    });
    await provision(
      'AWS::Lambda::Permission',
      { Action: 'lambda:InvokeFunction', FunctionName: 'target', Principal: 'sns.amazonaws.com' },
      'Other',
    );
    const policy = JSON.parse(String((await call('GetPolicy', { FunctionName: 'target' })).Policy));
    assert.equal(policy.Statement.length, 2);
    assert.deepEqual(policy.Statement[0].Principal, { Service: 'events.amazonaws.com' });
    assert.deepEqual(policy.Statement[0].Condition, {
      ArnLike: { 'AWS:SourceArn': 'arn:aws:events:eu-west-1:123456789012:rule/r' },
    });
    assert.deepEqual(policy, context.resourcePolicies.get(String(attributes.Arn)));
  });
});
