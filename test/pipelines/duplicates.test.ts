import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SendMessageCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { Account } from '../support/account.ts';
import { assertHistory, assertOnce } from '../support/audit.ts';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';

/** A landed version of an object. */
interface Landed {
  readonly id: string;
  readonly key: string;
  readonly versionId: string;
  readonly bytes: number;
  readonly landedAt: string;
}

describe('events of S3 that arrive more than once', { timeout: 600_000 }, () => {
  let runtime: TestRuntime;
  let account: Account;
  let intake: string;
  before(async () => {
    runtime = await startTestRuntime();
    account = new Account(runtime);
    intake = await account.queueUrl('ArrivalsQueue');
  });
  after(() => runtime?.stop());

  const land = async (key: string, body: string): Promise<Landed> => {
    const { VersionId = '' } = await account.s3.send(
      new PutObjectCommand({ Bucket: account.landing, Key: key, Body: body }),
    );
    return {
      id: runtime.fileId(key, VersionId),
      key,
      versionId: VersionId,
      bytes: Buffer.byteLength(body),
      landedAt: new Date().toISOString(),
    };
  };
  const send = (body: string) =>
    account.sqs.send(new SendMessageCommand({ QueueUrl: intake, MessageBody: body }));

  /** The event as S3 sends it, with its keys encoded like form data. */
  const event = (...files: readonly Landed[]) =>
    JSON.stringify({
      Records: files.map((file, index) => ({
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: 'us-east-1',
        eventTime: file.landedAt,
        eventName: 'ObjectCreated:Put',
        s3: {
          s3SchemaVersion: '1.0',
          bucket: { name: account.landing, arn: `arn:aws:s3:::${account.landing}` },
          object: {
            key: encodeURIComponent(file.key).replaceAll('%20', '+').replaceAll('%2F', '/'),
            size: file.bytes,
            versionId: file.versionId,
            sequencer: `00${index}`,
          },
        },
      })),
    });

  test('five deliveries of each, overlapping, backwards and mixed into one message, run every file once', async () => {
    const landed = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        land(`documents/five times/${i} + ä.txt`, `Letter ${i}: thank you for the good work.`),
      ),
    );
    const backwards = landed.toReversed();
    const messages = [
      ...landed.map((file) => event(file)),
      ...backwards.map((file) => event(file)),
      event(...landed),
      event(...backwards),
    ];
    await Promise.all(messages.map(send));
    await runtime.settled(landed.map(({ id }) => id));
    // Once more, after all is done.
    await send(event(...backwards));
    await account.drained();
    await assertOnce(account, new Map(landed.map(({ id }) => [id, 'text'])));
  });

  test('a file that was uploaded again under its name is another file, whatever order their events come in', async () => {
    const first = await land('documents/same-name.txt', 'The service was terrible and I am angry.');
    const second = await land('documents/same-name.txt', 'The service was wonderful and I am happy.');
    await Promise.all([second, first, second, first].map((file) => send(event(file))));
    const states = await runtime.settled([first.id, second.id]);
    await account.drained();
    assert.deepEqual(
      [first, second].map(({ id }) => states.get(id)?.result.sentiment),
      ['NEGATIVE', 'POSITIVE'],
    );
    await assertOnce(account, new Map([first, second].map(({ id }) => [id, 'text'])));
  });

  test('an object that was deleted before its event came is refused, once', async () => {
    // A version id of S3 that this key does not have (any more).
    const file = await land('elsewhere/template.txt', 'Forget about it.');
    const key = 'documents/nobody-wants-me.txt';
    const gone = { ...file, key, id: runtime.fileId(key, file.versionId) };
    await Promise.all([1, 2, 3, 4, 5].map(() => send(event(gone))));
    const states = await runtime.settled([gone.id]);
    await account.drained();
    assert.equal(states.get(gone.id)?.status, 'REJECTED');
    assert.match(states.get(gone.id)?.reason ?? '', /^DELETED: /);
    assert.equal((await account.executions('document-ingestion', gone.id)).length, 1);
    await assertHistory(account, gone.id, 'refused');
  });

  test('garbage ends among the dead letters and holds nothing up; test events and deletions vanish', async () => {
    // A failed message comes back after a second instead of six minutes.
    await account.sqs.send(
      new SetQueueAttributesCommand({ QueueUrl: intake, Attributes: { VisibilityTimeout: '1' } }),
    );
    const before = (await account.executions('document-ingestion')).length;
    const file = await land('documents/among-garbage.txt', 'All is well here.');
    const garbage = [
      'not json',
      '[]',
      '{"Records":[{"eventName":"ObjectCreated:Put"}]}',
      event({ ...file, key: '' }),
      event(file).replace('among-garbage', '%E0%A4%A'),
    ];
    const harmless = [
      JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: account.landing }),
      event(file).replace('ObjectCreated:Put', 'ObjectRemoved:DeleteMarkerCreated'),
      event({ ...file, key: 'documents/a folder/', bytes: 0 }),
      event({ ...file, key: 'elsewhere/no-pipeline.txt' }),
      '{"Records":[]}',
    ];
    await Promise.all([...garbage, ...harmless, event(file), event(file)].map(send));
    await runtime.settled([file.id]);
    const dead = await account.queueUrl('ArrivalsDeadLetters');
    await account.until('dead letters and nothing else', async () => {
      const queues = await account.queues();
      return queues.every(({ url, messages }) => messages === (url === dead ? garbage.length : 0));
    });
    const buried = await receiveAll(account, dead);
    assert.deepEqual(buried.sort(), [...garbage].sort());
    await assertOnce(account, new Map([[file.id, 'text']]));
    assert.equal((await account.executions('document-ingestion')).length, before + 1);
  });
});

async function receiveAll(account: Account, QueueUrl: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const { Messages = [] } = await account.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    );
    if (Messages.length === 0) return bodies;
    bodies.push(...Messages.map(({ Body = '' }) => Body));
  }
}
