import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT_ROOT } from '../../lib/constructs/bundle.ts';
import { synthesise } from './synthesise.ts';

const { ofType } = synthesise({ 'crm.enabled': 'true', 'features.minWorkers': '3' });

const jobs = ofType('AWS::Glue::Job');
const [, job] = jobs[0] ?? [];
const properties = Object(job?.Properties);
const statements = ofType('AWS::IAM::Policy')
  .filter(([id]) => id.startsWith('CrmTicketsFeaturesJob'))
  .flatMap(([, { Properties }]) => Object(Properties.PolicyDocument).Statement);

test('the job is one of Glue 5.0 that runs once at a time, ends, and leaves trying again to the state machine', () => {
  assert.equal(jobs.length, 1);
  const { GlueVersion, WorkerType, NumberOfWorkers, MaxRetries, Timeout, ExecutionProperty, Command } =
    properties;
  assert.deepEqual(
    [GlueVersion, WorkerType, NumberOfWorkers, MaxRetries, Timeout],
    ['5.0', 'G.1X', 3, 0, 60],
  );
  assert.deepEqual(ExecutionProperty, { MaxConcurrentRuns: 1 });
  assert.deepEqual([Command.Name, Command.PythonVersion], ['glueetl', '3']);
  assert.match(JSON.stringify(Command.ScriptLocation), /\.py"/);
  assert.match(JSON.stringify(properties.DefaultArguments['--sql']), /\.sql"/);
  assert.equal(properties.Name, undefined);
  assert.equal(properties.Tags.Pipeline, 'crm-tickets');
});

test('its log groups are those that it is told of, and end with their time', () => {
  const prefix = JSON.stringify(properties.DefaultArguments['--custom-logGroup-prefix']);
  const groups = ofType('AWS::Logs::LogGroup').filter(([id]) => id.startsWith('CrmTicketsFeaturesJob'));
  assert.deepEqual(
    groups.map(([, { Properties }]) => Object(Properties.LogGroupName)['Fn::Join'][1].at(-1)),
    ['/output', '/error'],
  );
  for (const [, { Properties }] of groups) {
    const name = JSON.stringify(Properties.LogGroupName);
    assert.ok(name.includes(prefix.slice('{"Fn::Join":["",['.length, -4)), name);
    assert.ok(Number(Properties.RetentionInDays) > 0);
  }
});

test('its role may do what it does, where it does it', () => {
  for (const { Action, Resource } of statements) {
    for (const action of [Action].flat()) assert.doesNotMatch(action, /\*/);
    assert.ok(![Resource].flat().includes('*'));
  }
  const actions = new Set(statements.flatMap(({ Action }: { Action: string | string[] }) => Action));
  assert.deepEqual([...actions].sort(), [
    'logs:CreateLogGroup',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    's3:AbortMultipartUpload',
    's3:DeleteObject',
    's3:GetObject',
    's3:ListBucket',
    's3:ListMultipartUploadParts',
    's3:PutObject',
  ]);
  const written = statements.filter(({ Action }) => [Action].flat().includes('s3:PutObject'));
  assert.equal(written.length, 1);
  assert.match(JSON.stringify(written[0].Resource), /"\/raw\/crm-work\/features\/\*"/);
});

test('the state machine may run this job and no other', () => {
  const glue = ofType('AWS::IAM::Policy')
    .flatMap(([, { Properties }]) => Object(Properties.PolicyDocument).Statement)
    .filter(({ Action }) => [Action].flat().some((action) => action.startsWith('glue:')));
  assert.deepEqual(
    glue.map(({ Action }) => Action),
    [['glue:BatchStopJobRun', 'glue:GetJobRun', 'glue:GetJobRuns', 'glue:StartJobRun']],
  );
  assert.match(JSON.stringify(glue[0].Resource), /:job\/",\{"Ref":"CrmTicketsFeaturesJob/);
});

test('script and SQL are there, and the script needs nothing of Glue’s own library', () => {
  for (const name of ['crm_features.py', 'crm_features.sql']) {
    assert.ok(existsSync(join(PROJECT_ROOT, 'glue', name)));
  }
  const script = readFileSync(join(PROJECT_ROOT, 'glue', 'crm_features.py'), 'utf8');
  assert.doesNotMatch(script, /awsglue/);
});
