import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  BatchStopJobRunCommand,
  GetJobCommand,
  GetJobRunCommand,
  GetJobRunsCommand,
  GlueClient,
  StartJobRunCommand,
} from '@aws-sdk/client-glue';
import { createGlue } from '../../local/services/glue/index.ts';
import { AwsError } from '../../local/services/service.ts';
import { createStates } from '../../local/services/states/index.ts';
import { ADMINISTRATOR, FakeContext, resource, serveJson } from './fake-context.ts';

const JobName = 'features';
const ROLE = 'arn:aws:iam::123456789012:role/job';
const ARGUMENTS = { '--input': 's3://lake/input.json', '--output': 's3://lake/work/rows' };

/** Glue with a job, and a bucket in memory. */
class Bench {
  readonly context: FakeContext;
  readonly objects = new Map<string, Buffer>();
  /** Answers are kept back as long as it is pending. */
  gate: Promise<void> = Promise.resolve();
  readonly glue;

  constructor(t: TestContext, options: { dataDir?: string; sql?: string; realTime?: boolean } = {}) {
    this.context = new FakeContext({ realTime: true, ...options });
    const script = join(mkdtempSync(join(tmpdir(), 'millrace-test-')), 'job.py');
    writeFileSync(script, '');
    this.put('sql', options.sql ?? "SELECT 1 AS id, 'ä' AS name, run_at FROM run");
    this.put('input.json', JSON.stringify({ run: { run_at: '2026-11-21T20:00:00Z' }, views: {} }));
    this.context.onCall = async ({ service, operation, input, caller }) => {
      assert.equal(service, 's3');
      assert.equal(caller.kind === 'role' && caller.roleArn, ROLE);
      await this.gate;
      return S3[operation]?.(this.objects, input) ?? {};
    };
    const assets = {
      fileOf(bucket: string) {
        if (bucket === 'assets') return script;
        throw new Error('no asset');
      },
    };
    this.glue = this.context.use(t, createGlue(this.context, assets));
    this.glue.resources?.['AWS::Glue::Job']?.(
      resource('AWS::Glue::Job', {
        Name: JobName,
        Role: ROLE,
        Command: { Name: 'glueetl', ScriptLocation: 's3://assets/job.py', PythonVersion: '3' },
        DefaultArguments: { '--sql': 's3://lake/sql', '--columns': 'id,name,run_at' },
        GlueVersion: '5.0',
        WorkerType: 'G.1X',
        NumberOfWorkers: 2,
        Timeout: 10,
        ExecutionProperty: { MaxConcurrentRuns: 1 },
      }),
    );
  }

  put(key: string, body: string): void {
    this.objects.set(key, Buffer.from(body));
  }

  async client(t: TestContext): Promise<GlueClient> {
    const client = new GlueClient({
      endpoint: await serveJson(t, this.context, 'glue'),
      region: this.context.region,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
    });
    t.after(() => client.destroy());
    return client;
  }
}

type Objects = Map<string, Buffer>;
type Input = Record<string, unknown>;
const S3: Readonly<Record<string, (objects: Objects, input: Input) => Record<string, unknown>>> = {
  GetObject: (objects, { Key }) => {
    const Body = objects.get(String(Key));
    if (!Body) throw new AwsError('NoSuchKey', 'The specified key does not exist.', { status: 404 });
    return { Body };
  },
  HeadObject: () => {
    throw new AwsError('NotFound', 'Not Found', { status: 404 });
  },
  PutObject: (objects, { Key, Body }) => {
    objects.set(String(Key), Body instanceof Buffer ? Body : Buffer.alloc(0));
    return {};
  },
  DeleteObject: (objects, { Key }) => {
    objects.delete(String(Key));
    return {};
  },
  ListObjectsV2: (objects, { Prefix }) => ({
    Contents: [...objects.keys()].filter((key) => key.startsWith(String(Prefix))).map((Key) => ({ Key })),
  }),
};

async function runOnce(t: TestContext, bench: Bench, given: Record<string, string> = ARGUMENTS) {
  const client = await bench.client(t);
  const { JobRunId = '' } = await client.send(new StartJobRunCommand({ JobName, Arguments: given }));
  await bench.glue.jobRunEnded(JobRunId);
  const { JobRun } = await client.send(new GetJobRunCommand({ JobName, RunId: JobRunId }));
  assert.ok(JobRun);
  return JobRun;
}

test('a run replaces its folder with one Parquet file, a marker behind it, and tells that it succeeded', async (t) => {
  const bench = new Bench(t);
  bench.put('work/rows/part-of-an-earlier-run.parquet', 'old');
  const run = await runOnce(t, bench);
  assert.equal(run.ErrorMessage, undefined);
  assert.equal(run.JobRunState, 'SUCCEEDED');
  assert.deepEqual(run.Arguments, { '--sql': 's3://lake/sql', '--columns': 'id,name,run_at', ...ARGUMENTS });
  assert.ok(run.StartedOn && run.CompletedOn && run.CompletedOn >= run.StartedOn);
  const written = [...bench.objects.keys()].filter((key) => key.startsWith('work/'));
  assert.equal(written.length, 2);
  assert.match(written[0] ?? '', /^work\/rows\/part-00000-.*\.snappy\.parquet$/);
  assert.equal(written[1], 'work/rows/_SUCCESS');
  const [event] = bench.context.events;
  assert.equal(event?.['detail-type'], 'Glue Job State Change');
  assert.deepEqual([event?.detail.jobName, event?.detail.state], [JobName, 'SUCCEEDED']);
  assert.deepEqual(
    bench.context.lines.map(({ group }) => group),
    ['/aws-glue/jobs/output'],
  );
});

test('a run that fails says why', async (t) => {
  const wrong: [string, Record<string, string>, RegExp][] = [
    ['SELECT nothing FROM run', ARGUMENTS, /nothing/],
    ['SELECT 1 AS other', ARGUMENTS, /gives other; expected id, name, run_at/],
    ['SELECT 1', { ...ARGUMENTS, '--input': 's3://lake/gone' }, /s3:\/\/lake\/gone: .*NoSuchKey/],
    ['SELECT 1', { '--output': 's3://lake/work' }, /Only jobs whose work is an SQL file run locally/],
    ["SELECT * FROM read_text('/etc/hostname')", ARGUMENTS, /disabled/i],
  ];
  for (const [sql, given, message] of wrong) {
    const bench = new Bench(t, { sql });
    const run = await runOnce(t, bench, given);
    assert.equal(run.JobRunState, 'FAILED', sql);
    assert.match(run.ErrorMessage ?? '', message);
    assert.ok(![...bench.objects.keys()].some((key) => key.startsWith('work/')));
  }
});

test('what the role may not read fails the run', async (t) => {
  const bench = new Bench(t);
  bench.context.deny = ({ action, resource: arn }) => action === 's3:GetObject' && arn.includes('assets');
  const run = await runOnce(t, bench);
  assert.equal(run.JobRunState, 'FAILED');
  assert.match(
    run.ErrorMessage ?? '',
    /s3:\/\/assets\/job\.py: s3:GetObject on arn:aws:s3:::assets\/job\.py/,
  );
});

test('no more than the allowed runs are under way, and one that is can be stopped', async (t) => {
  const bench = new Bench(t);
  const open = Promise.withResolvers<void>();
  bench.gate = open.promise;
  const client = await bench.client(t);
  const start = new StartJobRunCommand({ JobName, Arguments: ARGUMENTS });
  const { JobRunId = '' } = await client.send(start);
  await assert.rejects(client.send(start), { name: 'ConcurrentRunsExceededException' });
  const stopped = await client.send(
    new BatchStopJobRunCommand({ JobName, JobRunIds: [JobRunId, 'jr_none'] }),
  );
  assert.deepEqual(stopped.SuccessfulSubmissions, [{ JobName, JobRunId }]);
  assert.equal(stopped.Errors?.[0]?.ErrorDetail?.ErrorCode, 'EntityNotFoundException');
  open.resolve();
  await bench.glue.jobRunEnded(JobRunId);
  const { JobRuns } = await client.send(new GetJobRunsCommand({ JobName }));
  assert.deepEqual(
    JobRuns?.map(({ JobRunState }) => JobRunState),
    ['STOPPED'],
  );
});

test('a run that takes longer than it may times out', async (t) => {
  const bench = new Bench(t, { realTime: false });
  const open = Promise.withResolvers<void>();
  bench.gate = open.promise;
  const { JobRunId } = await bench.context.call(
    'glue',
    'StartJobRun',
    { JobName, Arguments: ARGUMENTS },
    ADMINISTRATOR,
  );
  await bench.context.manual.advance(10 * 60_000);
  open.resolve();
  await bench.glue.jobRunEnded(String(JobRunId));
  const { JobRun } = await bench.context.call(
    'glue',
    'GetJobRun',
    { JobName, RunId: JobRunId },
    ADMINISTRATOR,
  );
  assert.equal(Object(JobRun).JobRunState, 'TIMEOUT');
});

test('a run outlives the process that began it', async (t) => {
  const first = new Bench(t);
  const open = Promise.withResolvers<void>();
  first.gate = open.promise;
  const { JobRunId } = await first.context.call(
    'glue',
    'StartJobRun',
    { JobName, Arguments: ARGUMENTS },
    ADMINISTRATOR,
  );
  const stopping = first.glue.stop?.();
  open.resolve();
  await stopping;
  const second = new Bench(t, { dataDir: first.context.dataDir });
  await second.glue.start?.();
  await second.glue.jobRunEnded(String(JobRunId));
  const { JobRun } = await second.context.call(
    'glue',
    'GetJobRun',
    { JobName, RunId: JobRunId },
    ADMINISTRATOR,
  );
  assert.equal(Object(JobRun).JobRunState, 'SUCCEEDED');
  assert.ok(second.objects.has('work/rows/_SUCCESS'));
});

test('workers are asked for as Glue wants it', async (t) => {
  const client = await new Bench(t).client(t);
  const wrong = [
    { NumberOfWorkers: 3 },
    { NumberOfWorkers: 1, WorkerType: 'G.1X' as const },
    { NumberOfWorkers: 3, WorkerType: 'G.4X' as const, ExecutionClass: 'FLEX' as const },
  ];
  for (const given of wrong) {
    await assert.rejects(client.send(new StartJobRunCommand({ JobName, ...given })), {
      name: 'InvalidInputException',
    });
  }
  const { Job } = await client.send(new GetJobCommand({ JobName }));
  assert.equal(Job?.GlueVersion, '5.0');
  await assert.rejects(client.send(new StartJobRunCommand({ JobName: 'none' })), {
    name: 'EntityNotFoundException',
  });
});

test('a state machine waits for the run that it started, and stops it when it is stopped', async (t) => {
  const bench = new Bench(t);
  const { context, glue } = bench;
  const states = context.use(t, createStates(context, glue.jobRunEnded));
  const call = (operation: string, input: Record<string, unknown>) =>
    context.call('states', operation, input, ADMINISTRATOR);
  const definition = JSON.stringify({
    QueryLanguage: 'JSONata',
    StartAt: 'Job',
    States: {
      Job: {
        Type: 'Task',
        Resource: 'arn:aws:states:::glue:startJobRun.sync',
        Arguments: { JobName, Arguments: '{% $states.input %}' },
        TimeoutSeconds: 60,
        End: true,
      },
    },
  });
  const { stateMachineArn } = await call('CreateStateMachine', {
    name: 'm',
    definition,
    roleArn: 'arn:aws:iam::123456789012:role/machine',
  });
  await states.start?.();
  const ended = async (executionArn: unknown, act: () => unknown = () => {}) => {
    const told = new Promise<void>((resolve) => {
      context.onEmit = ({ source, detail }) => {
        if (source === 'aws.states' && detail.status !== 'RUNNING') resolve();
      };
    });
    await act();
    await told;
    return call('DescribeExecution', { executionArn });
  };
  const start = (input: object) => call('StartExecution', { stateMachineArn, input: JSON.stringify(input) });

  const open = Promise.withResolvers<void>();
  bench.gate = open.promise;
  const good = await start(ARGUMENTS);
  const described = await ended(good.executionArn, () => open.resolve());
  assert.equal(described.status, 'SUCCEEDED');
  const run = JSON.parse(String(described.output));
  assert.equal(run.JobRunState, 'SUCCEEDED');
  assert.ok(Number.isInteger(run.CompletedOn));

  const second = Promise.withResolvers<void>();
  bench.gate = second.promise;
  const bad = await start({ ...ARGUMENTS, '--input': 's3://lake/gone' });
  const failed = await ended(bad.executionArn, () => second.resolve());
  assert.equal(failed.error, 'States.TaskFailed');
  assert.match(JSON.parse(String(failed.cause)).ErrorMessage, /gone/);

  const third = Promise.withResolvers<void>();
  bench.gate = third.promise;
  const long = await start(ARGUMENTS);
  const newest = async () => {
    for (;;) {
      const { JobRuns } = await context.call('glue', 'GetJobRuns', { JobName }, ADMINISTRATOR);
      const [run] = Array.isArray(JobRuns) ? JobRuns : [];
      if (run?.JobRunState === 'RUNNING') return run.Id;
      await new Promise(setImmediate);
    }
  };
  const id = await newest();
  await ended(long.executionArn, () => call('StopExecution', { executionArn: long.executionArn }));
  third.resolve();
  await glue.jobRunEnded(id);
  const { JobRun } = await context.call('glue', 'GetJobRun', { JobName, RunId: id }, ADMINISTRATOR);
  assert.equal(Object(JobRun).JobRunState, 'STOPPED');
});
