import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';
import { run, SKIP } from './tools.ts';

describe('the AWS CLI sees what a document went through', { skip: SKIP }, () => {
  const key = 'documents/Grüße + more.txt';
  let ours: TestRuntime;
  let directory: string;
  let fileId: string;

  // Said on the command line, because version 1 of the CLI does not look at AWS_ENDPOINT_URL for SQS.
  const aws = (...args: string[]) => run('aws', ['--endpoint-url', ours.runtime.endpoint, ...args]);
  const json = async (...args: string[]) => JSON.parse(await aws(...args));
  const output = (name: string) => ours.deployment.output(name);
  const landing = () => `s3://${ours.deployment.landingBucket}`;

  before(async () => {
    ours = await startTestRuntime();
    directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
    const file = join(directory, 'letter.txt');
    writeFileSync(file, 'Thank you for the quick delivery. I am very happy with it.');
    await aws('s3', 'cp', file, `${landing()}/${key}`);
    const bucket = ours.deployment.landingBucket;
    const { VersionId } = await json('s3api', 'head-object', '--bucket', bucket, '--key', key);
    fileId = ours.fileId(key, VersionId);
    await ours.settled([fileId]);
  });
  after(async () => {
    await ours?.stop();
    if (directory) rmSync(directory, { recursive: true });
  });

  test('s3 ls and cp show and bring back what landed', async () => {
    assert.match(await aws('s3', 'ls', `${landing()}/documents/`), / 58 Grüße \+ more\.txt/);
    assert.match(await aws('s3', 'cp', `${landing()}/${key}`, '-'), /^Thank you for the quick delivery/);
    assert.match(await aws('s3', 'ls'), new RegExp(ours.deployment.landingBucket));
  });

  test('s3 mb, sync, rm and rb work on a bucket of their own', async () => {
    const from = join(directory, 'from');
    const to = join(directory, 'to');
    mkdirSync(join(from, 'a'), { recursive: true });
    writeFileSync(join(from, 'a', 'b.txt'), 'b');
    writeFileSync(join(from, 'large.bin'), Buffer.alloc(9 * 1024 * 1024, 1));
    await aws('s3', 'mb', 's3://second-opinion');
    await aws('s3', 'sync', from, 's3://second-opinion');
    await aws('s3', 'sync', 's3://second-opinion', to);
    assert.equal(readFileSync(join(to, 'a', 'b.txt'), 'utf8'), 'b');
    assert.ok(readFileSync(join(to, 'large.bin')).equals(readFileSync(join(from, 'large.bin'))));
    assert.equal(await aws('s3', 'sync', from, 's3://second-opinion'), '');
    await aws('s3', 'rm', '--recursive', 's3://second-opinion');
    await aws('s3', 'rb', 's3://second-opinion');
    await assert.rejects(aws('s3', 'ls', 's3://second-opinion'), /NoSuchBucket/);
  });

  test('a presigned URL gives the object to whoever has it', async () => {
    const url = (await aws('s3', 'presign', `${landing()}/${key}`)).trim();
    const answer = await fetch(url);
    assert.match(await answer.text(), /^Thank you/);
  });

  test('stepfunctions lists, describes and retells the execution', async () => {
    const machine = output('DocumentIngestionStateMachineArn');
    const { executions } = await json('stepfunctions', 'list-executions', '--state-machine-arn', machine);
    assert.deepEqual(
      executions.map(({ name, status }: Record<string, string>) => [name, status]),
      [[fileId, 'SUCCEEDED']],
    );
    const [{ executionArn }] = executions;
    const of = ['--execution-arn', executionArn];
    const { input, output: result } = await json('stepfunctions', 'describe-execution', ...of);
    assert.equal(JSON.parse(input).key, key);
    assert.equal(JSON.parse(result).outcome, 'SUCCEEDED');
    const { events } = await json('stepfunctions', 'get-execution-history', ...of);
    assert.equal(events[0].type, 'ExecutionStarted');
    assert.equal(events.at(-1).type, 'ExecutionSucceeded');
  });

  test('dynamodb query finds the file by its name', async () => {
    const { Items } = await json(
      ...['dynamodb', 'query', '--table-name', output('AuditTableName'), '--index-name', 'by-file-name'],
      ...['--key-condition-expression', 'FileName = :name'],
      ...['--expression-attribute-values', JSON.stringify({ ':name': { S: key } })],
    );
    const current = Items.find(({ sk }: { sk: { S: string } }) => sk.S === 'CURRENT');
    assert.equal(current.pk.S, fileId);
    assert.equal(current.Status.S, 'SUCCEEDED');
  });

  test('redshift-data runs a statement and shows its rows', async () => {
    const { Id } = await json(
      ...['redshift-data', 'execute-statement', '--workgroup-name', output('WarehouseWorkgroupName')],
      ...['--database', output('WarehouseDatabase')],
      ...['--sql', `SELECT file_name, sentiment FROM ${output('WarehouseSchema')}.documents`],
    );
    let statement: { Status: string; Error?: string };
    do statement = await json('redshift-data', 'describe-statement', '--id', Id);
    while (['SUBMITTED', 'PICKED', 'STARTED'].includes(statement.Status));
    assert.equal(statement.Status, 'FINISHED', statement.Error);
    const { Records } = await json('redshift-data', 'get-statement-result', '--id', Id);
    assert.deepEqual(Records, [[{ stringValue: key }, { stringValue: 'POSITIVE' }]]);
  });

  test('sqs sends and receives', async () => {
    const { QueueUrl } = await json('sqs', 'create-queue', '--queue-name', 'second-opinion');
    const queue = ['--queue-url', QueueUrl];
    await json('sqs', 'send-message', ...queue, '--message-body', 'Grüße');
    const { Messages } = await json('sqs', 'receive-message', ...queue);
    assert.deepEqual(
      Messages.map(({ Body }: { Body: string }) => Body),
      ['Grüße'],
    );
    await aws('sqs', 'delete-message', ...queue, '--receipt-handle', Messages[0].ReceiptHandle);
    await aws('sqs', 'delete-queue', ...queue);
  });

  test('cloudformation describes the stacks and their resources', async () => {
    const { Stacks } = await json('cloudformation', 'describe-stacks');
    for (const { StackStatus } of Stacks) assert.match(StackStatus, /^(CREATE|UPDATE)_COMPLETE$/);
    const outputs = Stacks.flatMap(
      (stack: { Outputs?: { OutputKey: string; OutputValue: string }[] }) => stack.Outputs ?? [],
    );
    const bucket = outputs.find(({ OutputKey }: { OutputKey: string }) => OutputKey === 'LandingBucketName');
    assert.equal(bucket.OutputValue, ours.deployment.landingBucket);
    const [{ StackName }] = Stacks;
    const { StackResources } = await json(
      'cloudformation',
      'describe-stack-resources',
      '--stack-name',
      StackName,
    );
    assert.ok(StackResources.length > 0);
  });

  test('logs filter-log-events finds the lines of a function', async () => {
    const { logGroups } = await json('logs', 'describe-log-groups');
    const group = logGroups.find(({ logGroupName }: { logGroupName: string }) =>
      /InspectLogs/.test(logGroupName),
    );
    const { events } = await json(
      ...['logs', 'filter-log-events', '--log-group-name', group.logGroupName],
      ...['--filter-pattern', `{ $.fileId = "${fileId}" }`],
    );
    assert.ok(events.length > 0);
    for (const { message } of events) assert.equal(JSON.parse(message).fileId, fileId);
  });
});
