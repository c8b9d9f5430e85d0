import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../local/clock.ts';
import { AwsError } from '../../local/services/service.ts';
import { Harness, json, LAMBDA, lambda, machineArn, NamedError, ROLE } from './states-harness.ts';

const one = (state: object) => ({ StartAt: 'One', States: { One: { End: true, ...state } } });
const PASS = one({ Type: 'Pass' });
const call = {
  Type: 'Task',
  Resource: LAMBDA,
  Arguments: { FunctionName: 'f', Payload: '{% $states.input %}' },
};
const CALLBACK = {
  Type: 'Task',
  Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
  Arguments: { QueueUrl: 'q', MessageBody: { token: '{% $states.context.Task.Token %}' } },
};

const refused = (code: string) => (error: unknown) => error instanceof AwsError && error.code === code;

/** A queue that keeps the task tokens sent to it. */
function queue(harness: Harness): string[] {
  const tokens: string[] = [];
  harness.stubs['sqs.SendMessage'] = ({ MessageBody }) => {
    tokens.push(String(Object(json(MessageBody)).token));
    return { MessageId: '1' };
  };
  return tokens;
}

test('the history has the events, ids and details of AWS', async () => {
  using harness = new Harness();
  harness.stubs['lambda.Invoke'] = lambda((payload) => payload);
  const { executionArn } = await harness.run(
    one({ ...call, TimeoutSeconds: 9, Output: '{% $states.result.Payload %}' }),
    { a: 1 },
  );
  const events = await harness.history(executionArn);
  assert.deepEqual(
    events.map(({ id, previousEventId, type }) => [id, previousEventId, type]),
    [
      [1, 0, 'ExecutionStarted'],
      [2, 0, 'TaskStateEntered'],
      [3, 2, 'TaskScheduled'],
      [4, 3, 'TaskStarted'],
      [5, 4, 'TaskSucceeded'],
      [6, 5, 'TaskStateExited'],
      [7, 6, 'ExecutionSucceeded'],
    ],
  );
  assert.deepEqual(events[0]?.executionStartedEventDetails, {
    input: '{"a":1}',
    inputDetails: { truncated: false },
    roleArn: ROLE,
  });
  assert.deepEqual(events[2]?.taskScheduledEventDetails, {
    resourceType: 'lambda',
    resource: 'invoke',
    region: 'us-east-1',
    parameters: '{"FunctionName":"f","Payload":{"a":1}}',
    timeoutInSeconds: 9,
  });
  assert.deepEqual(events[5]?.stateExitedEventDetails, {
    name: 'One',
    output: '{"a":1}',
    outputDetails: { truncated: false },
  });
  const page = await harness.call('GetExecutionHistory', {
    executionArn,
    reverseOrder: true,
    maxResults: 2,
    includeExecutionData: false,
  });
  assert.deepEqual(
    (page.events as { id: number }[]).map(({ id }) => id),
    [7, 6],
  );
  assert.doesNotMatch(JSON.stringify(page.events), /output/);
  const rest = await harness.call('GetExecutionHistory', {
    executionArn,
    reverseOrder: true,
    maxResults: 100,
    nextToken: page.nextToken,
  });
  assert.equal((rest.events as unknown[]).length, 5);
});

test('a function ARN as resource gives LambdaFunction events and the bare payload', async () => {
  using harness = new Harness();
  harness.stubs['lambda.Invoke'] = lambda(() => ({ ok: true }));
  const { executionArn, output } = await harness.run(
    one({ Type: 'Task', Resource: 'arn:aws:lambda:us-east-1:000000000000:function:f' }),
  );
  assert.equal(output, '{"ok":true}');
  assert.deepEqual((await harness.types(executionArn)).slice(2, 5), [
    'LambdaFunctionScheduled',
    'LambdaFunctionStarted',
    'LambdaFunctionSucceeded',
  ]);
});

test('Map and Parallel link their events as AWS does', async () => {
  using harness = new Harness();
  const { executionArn } = await harness.run(
    one({
      Type: 'Map',
      MaxConcurrency: 1,
      ItemProcessor: { StartAt: 'P', States: { P: { Type: 'Pass', End: true } } },
    }),
    ['a', 'b'],
  );
  assert.deepEqual(
    (await harness.history(executionArn)).map(
      ({ id, previousEventId, type }) => `${id}<${previousEventId} ${type}`,
    ),
    [
      '1<0 ExecutionStarted',
      '2<0 MapStateEntered',
      '3<2 MapStateStarted',
      '4<3 MapIterationStarted',
      '5<4 PassStateEntered',
      '6<5 PassStateExited',
      '7<6 MapIterationSucceeded',
      '8<3 MapIterationStarted',
      '9<8 PassStateEntered',
      '10<9 PassStateExited',
      '11<10 MapIterationSucceeded',
      '12<11 MapStateSucceeded',
      '13<12 MapStateExited',
      '14<13 ExecutionSucceeded',
    ],
  );
});

test('the same name and input while running is the same execution; otherwise it exists already', async () => {
  using harness = new Harness();
  const tokens = queue(harness);
  await harness.create('m', one(CALLBACK));
  const input = { stateMachineArn: machineArn('m'), name: 'file', input: '{"a":1}' };
  const first = await harness.call('StartExecution', input);
  assert.deepEqual(await harness.call('StartExecution', input), first);
  await assert.rejects(
    harness.call('StartExecution', { ...input, input: '{}' }),
    refused('ExecutionAlreadyExists'),
  );
  await harness.until(() => tokens.length === 1);
  await harness.call('SendTaskSuccess', { taskToken: tokens[0], output: '{}' });
  await harness.ended(String(first.executionArn));
  await assert.rejects(harness.call('StartExecution', input), refused('ExecutionAlreadyExists'));
  assert.equal(tokens.length, 1);
});

test('names, inputs and ARNs are checked', async () => {
  using harness = new Harness();
  await harness.create('m', PASS);
  const stateMachineArn = machineArn('m');
  const start = (more: object) => harness.call('StartExecution', { stateMachineArn, ...more });
  await assert.rejects(start({ name: 'x'.repeat(81) }), refused('InvalidName'));
  await assert.rejects(start({ name: 'a b' }), refused('InvalidName'));
  await assert.rejects(start({ input: '{' }), refused('InvalidExecutionInput'));
  await assert.rejects(
    start({ input: JSON.stringify('x'.repeat(262_144)) }),
    refused('InvalidExecutionInput'),
  );
  await assert.rejects(start({ stateMachineArn: machineArn('none') }), refused('StateMachineDoesNotExist'));
  await assert.rejects(start({ stateMachineArn: 'arn:aws:s3:::b' }), refused('InvalidArn'));
  await assert.rejects(harness.create('bad', { StartAt: 'X', States: {} }), refused('InvalidDefinition'));
  await assert.rejects(
    harness.call('StartSyncExecution', { stateMachineArn }),
    refused('StateMachineTypeNotSupported'),
  );
});

test('executions are listed newest first, filtered and in pages', async () => {
  using harness = new Harness();
  await harness.create('m', PASS);
  for (const name of ['a', 'b', 'c']) await harness.ended(await harness.start('m', {}, name));
  const list = async (more: object) => {
    const { executions, nextToken } = await harness.call('ListExecutions', {
      stateMachineArn: machineArn('m'),
      ...more,
    });
    return { names: (executions as { name: string }[]).map(({ name }) => name), nextToken };
  };
  const first = await list({ maxResults: 2 });
  assert.deepEqual(first.names, ['c', 'b']);
  assert.deepEqual(await list({ maxResults: 2, nextToken: first.nextToken }), {
    names: ['a'],
    nextToken: undefined,
  });
  assert.deepEqual((await list({ statusFilter: 'FAILED' })).names, []);
  assert.deepEqual((await list({ redriveFilter: 'NOT_REDRIVEN' })).names, ['c', 'b', 'a']);
});

test('status changes are events, metrics and log lines', async () => {
  using harness = new Harness();
  const loggingConfiguration = {
    level: 'ALL',
    includeExecutionData: false,
    destinations: [
      { cloudWatchLogsLogGroup: { logGroupArn: 'arn:aws:logs:us-east-1:000000000000:log-group:/sfn:*' } },
    ],
  };
  await harness.create(
    'm',
    { StartAt: 'F', States: { F: { Type: 'Fail', Error: 'E', Cause: 'c' } } },
    { loggingConfiguration },
  );
  const arn = await harness.start('m', { secret: 1 });
  await harness.until(() => harness.events.length === 2);
  const [running, failed] = harness.events;
  assert.deepEqual(running?.resources, [arn]);
  assert.equal(running?.detail.status, 'RUNNING');
  assert.equal(running?.detail.stopDate, null);
  assert.deepEqual(
    [failed?.detail.status, failed?.detail.error, failed?.detail.redriveStatus],
    ['FAILED', 'E', 'REDRIVABLE'],
  );
  assert.equal(Number.isInteger(failed?.detail.startDate), true);
  assert.deepEqual(harness.metrics, ['ExecutionsStarted', 'ExecutionsFailed', 'ExecutionTime']);
  assert.deepEqual(
    harness.logs.map(({ group, message }) => [group, Object(json(message)).type]),
    [
      ['/sfn', 'ExecutionStarted'],
      ['/sfn', 'FailStateEntered'],
      ['/sfn', 'ExecutionFailed'],
    ],
  );
  assert.doesNotMatch(JSON.stringify(harness.logs), /secret/);
});

test('a task token is answered with success, failure or heartbeats', async () => {
  using harness = new Harness(new ManualClock());
  const tokens = queue(harness);
  await harness.create('m', one({ ...CALLBACK, HeartbeatSeconds: 10 }));
  const [good, bad, silent] = [await harness.start('m'), await harness.start('m'), await harness.start('m')];
  await harness.until(() => tokens.length === 3);
  await harness.call('SendTaskSuccess', { taskToken: tokens[0], output: '{"done":true}' });
  assert.equal((await harness.ended(good)).output, '{"done":true}');
  await harness.call('SendTaskFailure', { taskToken: tokens[1], error: 'Nope', cause: 'why' });
  assert.deepEqual((await harness.ended(bad)).error, 'Nope');
  await harness.time.advance(8000);
  await harness.call('SendTaskHeartbeat', { taskToken: tokens[2] });
  await harness.time.advance(8000);
  assert.equal((await harness.call('DescribeExecution', { executionArn: silent })).status, 'RUNNING');
  await harness.time.advance(2000);
  assert.equal((await harness.ended(silent)).error, 'States.Timeout');
  assert.deepEqual((await harness.types(silent)).slice(3, 6), [
    'TaskStarted',
    'TaskSubmitted',
    'TaskTimedOut',
  ]);
  await assert.rejects(
    harness.call('SendTaskSuccess', { taskToken: tokens[2], output: '1' }),
    refused('TaskTimedOut'),
  );
  await assert.rejects(
    harness.call('SendTaskSuccess', { taskToken: 'x', output: '1' }),
    refused('InvalidToken'),
  );
});

test('a missed heartbeat is caught as States.HeartbeatTimeout', async () => {
  using harness = new Harness(new ManualClock());
  queue(harness);
  await harness.create('m', {
    StartAt: 'W',
    States: {
      W: {
        ...CALLBACK,
        HeartbeatSeconds: 5,
        Catch: [{ ErrorEquals: ['States.HeartbeatTimeout'], Next: 'Done' }],
        End: true,
      },
      Done: { Type: 'Succeed' },
    },
  });
  const arn = await harness.start('m');
  await harness.time.advance(6000);
  assert.equal((await harness.ended(arn)).status, 'SUCCEEDED');
});

test('a token that was handed out outlives a restart, and the message is not sent again', async () => {
  using harness = new Harness();
  const tokens = queue(harness);
  await harness.create('m', {
    StartAt: 'Keep',
    States: {
      Keep: { Type: 'Pass', Assign: { kept: 7 }, Next: 'Wait' },
      Wait: { ...CALLBACK, Output: '{% [$kept, $states.result] %}', End: true },
    },
  });
  const arn = await harness.start('m');
  await harness.until(async () => (await harness.types(arn)).includes('TaskSubmitted'));
  await harness.restart();
  assert.equal((await harness.call('DescribeExecution', { executionArn: arn })).status, 'RUNNING');
  await harness.call('SendTaskSuccess', { taskToken: tokens[0], output: '"ok"' });
  assert.equal((await harness.ended(arn)).output, '[7,"ok"]');
  assert.equal(tokens.length, 1);
  const ids = (await harness.history(arn)).map(({ id }) => id);
  assert.deepEqual(
    ids,
    ids.map((_, index) => index + 1),
  );
});

test('an interrupted task is called again after a restart; retries already used stay used', async () => {
  using harness = new Harness();
  let calls = 0;
  harness.stubs['lambda.Invoke'] = async (input) => {
    calls++;
    if (calls === 2) return new Promise(() => {});
    return lambda(() => {
      throw new NamedError('Flaky');
    })(input, { kind: 'administrator' });
  };
  await harness.create(
    'm',
    one({ ...call, Retry: [{ ErrorEquals: ['Flaky'], IntervalSeconds: 0, MaxAttempts: 2 }] }),
  );
  const arn = await harness.start('m');
  await harness.until(() => calls === 2);
  await harness.restart();
  assert.equal((await harness.ended(arn)).error, 'Flaky');
  assert.equal(calls, 4);
  assert.equal((await harness.types(arn)).filter((type) => type === 'TaskStateEntered').length, 1);
});

test('a redriven execution goes on from the failed step with its own definition', async () => {
  using harness = new Harness();
  let broken = true;
  const seen: unknown[] = [];
  harness.stubs['lambda.Invoke'] = lambda((payload) => {
    seen.push(payload);
    if (payload === 2 && broken) throw new NamedError('Broken');
    return payload;
  });
  const item = {
    StartAt: 'Do',
    States: { Do: { ...call, Output: '{% $states.result.Payload * 10 %}', End: true } },
  };
  await harness.create('m', {
    StartAt: 'Before',
    States: {
      Before: { Type: 'Pass', Assign: { v: 5 }, Next: 'Each' },
      Each: {
        Type: 'Map',
        MaxConcurrency: 1,
        ItemProcessor: item,
        Output: '{% $append($states.result, $v) %}',
        End: true,
      },
    },
  });
  const executionArn = await harness.start('m', [1, 2, 3]);
  assert.equal((await harness.ended(executionArn)).redriveStatus, 'REDRIVABLE');
  await harness.call('UpdateStateMachine', {
    stateMachineArn: machineArn('m'),
    definition: JSON.stringify({ QueryLanguage: 'JSONata', ...PASS }),
  });
  broken = false;
  await harness.call('RedriveExecution', { executionArn });
  const { output, redriveCount, redriveDate, error } = await harness.ended(executionArn);
  assert.equal(output, '[10,20,30,5]');
  assert.equal(redriveCount, 1);
  assert.equal(typeof redriveDate, 'number');
  assert.equal(error, undefined);
  assert.deepEqual(seen, [1, 2, 2, 3]);
  const types = await harness.types(executionArn);
  assert.ok(types.includes('ExecutionRedriven'));
  assert.equal(types.filter((type) => type === 'PassStateEntered').length, 1);
  await assert.rejects(harness.call('RedriveExecution', { executionArn }), refused('ExecutionNotRedrivable'));
  assert.equal(harness.events.map(({ detail }) => detail.status).join(), 'RUNNING,FAILED,RUNNING,SUCCEEDED');
});

const nested = (pattern: string, more: object = {}) =>
  one({
    Type: 'Task',
    Resource: `arn:aws:states:::states:startExecution${pattern}`,
    Arguments: { StateMachineArn: machineArn('child'), Input: '{% $states.input %}', ...more },
  });

test('nested executions: started, waited for, with text or parsed output', async () => {
  using harness = new Harness();
  await harness.create('child', one({ Type: 'Pass', Output: { got: '{% $states.input.x %}' } }));
  const started = Object(json((await harness.run(nested('', { Name: 'c1' }), { x: 1 })).output));
  assert.match(started.ExecutionArn, /:execution:child:c1$/);
  const sync = Object(json((await harness.run(nested('.sync'), { x: 1 })).output));
  assert.equal(sync.Output, '{"got":1}');
  const parsed = Object(json((await harness.run(nested('.sync:2'), { x: 1 })).output));
  assert.deepEqual([parsed.Output, parsed.Status], [{ got: 1 }, 'SUCCEEDED']);
  const actions = new Set(harness.authorized.map(({ action }) => action));
  for (const action of [
    'states:StartExecution',
    'events:PutTargets',
    'events:PutRule',
    'events:DescribeRule',
  ])
    assert.ok(actions.has(action), action);
});

test('a failed child fails its parent with States.TaskFailed; a stopped parent stops its child', async () => {
  using harness = new Harness();
  await harness.create('child', {
    StartAt: 'F',
    States: { F: { Type: 'Fail', Error: 'Inner', Cause: 'why' } },
  });
  const failed = await harness.run(nested('.sync:2'));
  assert.equal(failed.error, 'States.TaskFailed');
  const cause = Object(json(failed.cause));
  assert.deepEqual([cause.Error, cause.Cause, cause.Status], ['Inner', 'why', 'FAILED']);

  await harness.call('UpdateStateMachine', {
    stateMachineArn: machineArn('child'),
    definition: JSON.stringify({ QueryLanguage: 'JSONata', ...one({ Type: 'Wait', Seconds: 3600 }) }),
  });
  await harness.create('parent', nested('.sync:2', { Name: 'kid' }));
  const executionArn = await harness.start('parent');
  const child = 'arn:aws:states:us-east-1:000000000000:execution:child:kid';
  await harness.until(async () => (await harness.types(executionArn)).includes('TaskSubmitted'));
  await harness.call('StopExecution', { executionArn, error: 'Stop', cause: 'asked' });
  const stopped = await harness.ended(executionArn);
  assert.deepEqual([stopped.status, stopped.error, stopped.cause], ['ABORTED', 'Stop', 'asked']);
  assert.equal((await harness.ended(child)).status, 'ABORTED');
});

test('a parent that waits for a child waits on after a restart', async () => {
  using harness = new Harness();
  const tokens = queue(harness);
  await harness.create('child', one(CALLBACK));
  await harness.create('parent', nested('.sync:2', { Name: 'kid' }));
  const arn = await harness.start('parent');
  await harness.until(() => tokens.length === 1);
  await harness.restart();
  await harness.call('SendTaskSuccess', { taskToken: tokens[0], output: '1' });
  assert.equal((await harness.ended(arn)).status, 'SUCCEEDED');
  const types = await harness.types(arn);
  assert.equal(types.filter((type) => type === 'TaskScheduled').length, 1);
});

test('SDK integrations call the service as the role and name its errors', async () => {
  using harness = new Harness();
  const seen: unknown[] = [];
  harness.stubs['redshift-data.DescribeStatement'] = (input, caller) => {
    seen.push(input, caller);
    throw new AwsError('ValidationException', 'no such statement');
  };
  harness.stubs['dynamodb.PutItem'] = () => {
    throw new AwsError('ConditionalCheckFailedException', 'no');
  };
  harness.stubs['s3.HeadObject'] = () => {
    throw new AwsError('NoSuchKey', 'gone', { status: 404 });
  };
  const sdk = (resource: string, Arguments: object = {}) =>
    harness.run(one({ Type: 'Task', Resource: `arn:aws:states:::${resource}`, Arguments }));
  const failed = await sdk('aws-sdk:redshiftdata:describeStatement', { Id: '1' });
  assert.equal(failed.error, 'RedshiftData.ValidationException');
  assert.match(
    String(failed.cause),
    /^no such statement \(Service: RedshiftData, Status Code: 400, Request ID: /,
  );
  assert.deepEqual(seen, [{ Id: '1' }, { kind: 'role', roleArn: ROLE, sessionName: failed.name }]);
  assert.equal((await sdk('dynamodb:putItem')).error, 'DynamoDB.ConditionalCheckFailedException');
  assert.equal((await sdk('aws-sdk:dynamodb:putItem')).error, 'DynamoDb.ConditionalCheckFailedException');
  assert.equal((await sdk('aws-sdk:s3:headObject')).error, 'S3.NoSuchKeyException');
  assert.equal(
    (await sdk('aws-sdk:sfn:describeExecution', { ExecutionArn: failed.executionArn })).status,
    'SUCCEEDED',
  );
  assert.equal((await sdk('sagemaker:createTrainingJob.sync')).error, 'States.Runtime');
});

test('a distributed Map reads CSV, batches, tolerates failures and writes results', async () => {
  using harness = new Harness();
  const written: Record<string, string> = {};
  harness.stubs['s3.GetObject'] = () => ({ Body: Buffer.from('id,name\n1,"a, b"\n2,c\n3,d\n') });
  harness.stubs['s3.PutObject'] = ({ Key, Body }) => {
    written[String(Key)] = String(Body);
    return {};
  };
  const definition = (more: object) =>
    one({
      Type: 'Map',
      Label: 'Rows',
      ItemReader: {
        Resource: 'arn:aws:states:::s3:getObject',
        ReaderConfig: { InputType: 'CSV', CSVHeaderLocation: 'FIRST_ROW' },
        Arguments: { Bucket: 'b', Key: 'k' },
      },
      ItemBatcher: { MaxItemsPerBatch: 2, BatchInput: { run: '{% $states.input.run %}' } },
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'Check',
        States: {
          Check: {
            Type: 'Choice',
            Choices: [{ Condition: "{% '3' in $states.input.Items.id %}", Next: 'Bad' }],
            Default: 'Good',
          },
          Bad: { Type: 'Fail', Error: 'Three' },
          Good: { Type: 'Pass', Output: '{% $states.input %}', End: true },
        },
      },
      ...more,
    });
  const good = await harness.run(definition({ ToleratedFailurePercentage: 50 }), { run: 9 });
  assert.deepEqual(json(good.output), [
    {
      BatchInput: { run: 9 },
      Items: [
        { id: '1', name: 'a, b' },
        { id: '2', name: 'c' },
      ],
    },
  ]);
  assert.deepEqual(await harness.types(good.executionArn), [
    'ExecutionStarted',
    'MapStateEntered',
    'MapStateStarted',
    'MapRunStarted',
    'MapRunSucceeded',
    'MapStateSucceeded',
    'MapStateExited',
    'ExecutionSucceeded',
  ]);
  const { mapRuns } = await harness.call('ListMapRuns', { executionArn: good.executionArn });
  const [{ mapRunArn }] = mapRuns as [{ mapRunArn: string }];
  const described = await harness.call('DescribeMapRun', { mapRunArn });
  assert.deepEqual(described.itemCounts, {
    pending: 0,
    running: 0,
    succeeded: 2,
    failed: 1,
    timedOut: 0,
    aborted: 0,
    total: 3,
    resultsWritten: 2,
  });
  const { executions } = await harness.call('ListExecutions', { mapRunArn });
  assert.deepEqual((executions as { status: string }[]).map(({ status }) => status).sort(), [
    'FAILED',
    'SUCCEEDED',
  ]);

  assert.equal((await harness.run(definition({}))).error, 'States.QueryEvaluationError');
  assert.equal(
    (await harness.run(definition({}), { run: 1 })).error,
    'States.ExceedToleratedFailureThreshold',
  );
  const ResultWriter = {
    Resource: 'arn:aws:states:::s3:putObject',
    Arguments: { Bucket: 'out', Prefix: 'p' },
  };
  const stored = Object(
    json((await harness.run(definition({ ToleratedFailureCount: 1, ResultWriter }), { run: 1 })).output),
  );
  const manifest = Object(json(written[stored.ResultWriterDetails.Key]));
  assert.equal(manifest.ResultFiles.SUCCEEDED.length, 1);
  assert.equal(manifest.ResultFiles.FAILED.length, 1);
});

test('an item that cannot be read is States.ItemReaderFailed', async () => {
  using harness = new Harness();
  harness.stubs['s3.GetObject'] = () => {
    throw new AwsError('NoSuchKey', 'gone', { status: 404 });
  };
  const failed = await harness.run(
    one({
      Type: 'Map',
      ItemReader: { Resource: 'arn:aws:states:::s3:getObject', Arguments: { Bucket: 'b', Key: 'k' } },
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' },
        StartAt: 'P',
        States: { P: { Type: 'Pass', End: true } },
      },
    }),
  );
  assert.equal(failed.error, 'States.ItemReaderFailed');
});

test('Express machines answer at once and keep nothing', async () => {
  using harness = new Harness();
  await harness.create('fast', one({ Type: 'Pass', Output: 'hi' }), { type: 'EXPRESS' });
  const { status, output, executionArn } = await harness.call('StartSyncExecution', {
    stateMachineArn: machineArn('fast'),
  });
  assert.deepEqual([status, output], ['SUCCEEDED', '"hi"']);
  await assert.rejects(harness.call('DescribeExecution', { executionArn }), refused('InvalidArn'));
});

test('a template’s state machine is provisioned with its substitutions', async () => {
  using harness = new Harness();
  const provision = harness.service.resources?.['AWS::StepFunctions::StateMachine'];
  assert.ok(provision);
  const placeholder = ['$', '{fn}'].join('');
  const request = (DefinitionSubstitutions: object) => ({
    type: 'AWS::StepFunctions::StateMachine',
    logicalId: 'M',
    constructPath: 'App/Stack/M/Resource',
    stackName: 's',
    generatedName: 's-M-0123456789ab',
    properties: {
      RoleArn: ROLE,
      DefinitionS3Location: { Bucket: 'assets', Key: 'd.json' },
      DefinitionSubstitutions,
    },
  });
  harness.stubs['s3.GetObject'] = () => ({
    Body: Buffer.from(
      JSON.stringify({
        QueryLanguage: 'JSONata',
        ...one({ ...call, Arguments: { FunctionName: placeholder } }),
      }),
    ),
  });
  await assert.rejects(async () => provision(request({})), /App\/Stack\/M\/Resource.*fn/);
  await assert.rejects(
    async () => provision(request({ fn: 'f', more: 'x' })),
    /not used by the definition: more/,
  );
  const { ref, attributes } = await provision(request({ fn: 'f' }));
  assert.equal(ref, machineArn('s-M-0123456789ab'));
  assert.equal(attributes.Name, 's-M-0123456789ab');
  const again = await provision(request({ fn: 'f' }));
  assert.equal(again.attributes.StateMachineRevisionId, attributes.StateMachineRevisionId);
  const described = await harness.call('DescribeStateMachine', { stateMachineArn: ref });
  assert.match(String(described.definition), /"FunctionName":"f"/);
});
