import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import {
  DetectDocumentTextCommand,
  GetDocumentTextDetectionCommand,
  TextractClient,
} from '@aws-sdk/client-textract';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import { z } from 'zod';
import { ManualClock } from '../../local/clock.ts';
import { AwsError, type Caller, type RuntimeContext, type Shape } from '../../local/services/service.ts';
import { createTextract, type TextractService } from '../../local/services/textract/index.ts';
import { FakeContext, serveJson } from './fake-context.ts';

const ROLE: Caller = { kind: 'role', roleArn: 'arn:aws:iam::111122223333:role/ocr', sessionName: 'worker' };
const TOPIC = 'arn:aws:sns:eu-central-1:111122223333:ocr-done';
const PUBLISHER = 'arn:aws:iam::111122223333:role/textract-publisher';

const sample = (name: string) => readFileSync(new URL(`../../samples/${name}`, import.meta.url));
const objects: Readonly<Record<string, Buffer>> = {
  'fax.tiff': sample('fax.tiff'),
  'invoice.pdf': sample('invoice.pdf'),
  'encrypted.pdf': sample('encrypted.pdf'),
  'scanned-contract.pdf': sample('scanned-contract.pdf'),
  'two-columns.png': sample('two-columns.png'),
  'setup.png': sample('setup.png'),
};

const Point = z.object({ X: z.number(), Y: z.number() });
const Block = z.object({
  BlockType: z.enum(['PAGE', 'LINE', 'WORD']),
  Id: z.uuid(),
  Text: z.string().optional(),
  Confidence: z.number().min(0).max(100).optional(),
  Page: z.number(),
  TextType: z.string().optional(),
  Geometry: z.object({
    BoundingBox: z.object({ Left: z.number(), Top: z.number(), Width: z.number(), Height: z.number() }),
    Polygon: z.array(Point).length(4),
  }),
  Relationships: z.array(z.object({ Type: z.literal('CHILD'), Ids: z.array(z.string()) })).optional(),
});
const Detection = z.object({
  DocumentMetadata: z.object({ Pages: z.number() }),
  Blocks: z.array(Block),
  NextToken: z.string().optional(),
});
type Blocks = z.output<typeof Block>[];
const textOf = (blocks: Blocks) =>
  blocks.filter((block) => block.BlockType === 'LINE').map((block) => block.Text);

/** The runtime around the service: a bucket, a topic that keeps its messages, and permissions that can be taken away. */
class World {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'textract-'));
  readonly denied = new Set<string>();
  readonly authorised: string[] = [];
  readonly messages: unknown[] = [];
  readonly callers: Caller[] = [];
  readonly clock = new ManualClock();
  #published = Promise.withResolvers<void>();
  #services: TextractService[] = [];

  readonly context: RuntimeContext = {
    clock: this.clock,
    account: '111122223333',
    region: 'eu-central-1',
    dataDir: this.dataDir,
    endpoint: 'http://127.0.0.1:4566',
    authorize: ({ action, resource }) => {
      if (this.denied.has(action)) throw new AwsError('AccessDeniedException', `${action} on ${resource}`);
      this.authorised.push(`${action} ${resource}`);
    },
    call: async (service, operation, input, caller) => {
      this.callers.push(caller);
      if (operation === 'Publish') {
        this.messages.push(JSON.parse(String(input.Message)));
        this.#published.resolve();
        return { MessageId: 'm' };
      }
      assert.equal(`${service}:${operation}`, 's3:GetObject');
      if (this.denied.has('s3:GetObject'))
        throw new AwsError('AccessDenied', 'Access Denied', { status: 403 });
      const Body = objects[String(input.Key)];
      if (!Body) throw new AwsError('NoSuchKey', 'The specified key does not exist.', { status: 404 });
      return { Body, ContentLength: Body.length };
    },
    emit() {},
    policies: { setRolePolicy() {}, setRoleTrust() {}, setResourcePolicy() {} },
    credentialsFor: () => ({ accessKeyId: '', secretAccessKey: '', sessionToken: '' }),
    metric() {},
    log() {},
    warn() {},
  };

  start(): TextractService {
    const service = createTextract(this.context);
    this.#services.push(service);
    return service;
  }

  /** Resolves at the next message on the topic. */
  async published(): Promise<void> {
    await this.#published.promise;
    this.#published = Promise.withResolvers();
  }

  async end(): Promise<void> {
    for (const service of this.#services) await service.stop?.();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

let world = new World();
let textract = world.start();
beforeEach(async () => {
  await world.end();
  world = new World();
  textract = world.start();
});
after(() => world.end());

async function call(name: string, input: Shape, service = textract): Promise<Shape> {
  const operation = service.operations?.[name];
  assert.ok(operation, name);
  return operation.handle(input, { caller: ROLE });
}
const detect = async (bytes: Buffer) =>
  Detection.parse(await call('DetectDocumentText', { Document: { Bytes: bytes.toString('base64') } }));
const s3 = (Name: string) => ({ S3Object: { Bucket: 'landing', Name } });
const begin = (Name: string, more: Shape = {}) =>
  call('StartDocumentTextDetection', {
    DocumentLocation: s3(Name),
    NotificationChannel: { SNSTopicArn: TOPIC, RoleArn: PUBLISHER },
    ...more,
  });

describe('DetectDocumentText', () => {
  test('an object is read with the permission of the caller and comes back as pages, lines and words', async () => {
    const { DocumentMetadata, Blocks } = Detection.parse(
      await call('DetectDocumentText', { Document: s3('two-columns.png') }),
    );
    assert.deepEqual(world.callers, [ROLE]);
    assert.equal(DocumentMetadata.Pages, 1);
    const byId = new Map(Blocks.map((block) => [block.Id, block]));
    assert.equal(byId.size, Blocks.length);
    const [page] = Blocks;
    assert.equal(page?.BlockType, 'PAGE');
    const lines = page?.Relationships?.[0]?.Ids.map((id) => byId.get(id)) ?? [];
    assert.equal(lines[0]?.Text, 'The river rose again in');
    for (const line of lines) {
      const words = line?.Relationships?.[0]?.Ids.map((id) => byId.get(id)?.Text) ?? [];
      assert.equal(words.join(' '), line?.Text);
    }
    const columnEnds = lines.findIndex((line) => line?.Text === 'will be open to the public.');
    assert.equal(lines[columnEnds + 1]?.Text, 'The library opens its new');
  });

  for (const quarters of [1, 2, 3]) {
    test(`a page turned by ${quarters * 90}° is read, and its boxes lie where the words are`, async () => {
      const upright = await loadImage(sample('two-columns.png'));
      const [width, height] = [upright.width, upright.height];
      const canvas = quarters === 2 ? createCanvas(width, height) : createCanvas(height, width);
      const pen = canvas.getContext('2d');
      pen.translate(canvas.width / 2, canvas.height / 2);
      pen.rotate((quarters * Math.PI) / 2);
      pen.drawImage(upright, -width / 2, -height / 2);
      const { Blocks } = await detect(canvas.toBuffer('image/png'));
      assert.equal(textOf(Blocks)[0], 'The river rose again in');
      const first = Blocks.find((block) => block.BlockType === 'LINE')?.Geometry;
      // The first line begins 7 % from the left and 8 % from the top of the upright page.
      const corner = { 1: [0.92, 0.07], 2: [0.93, 0.92], 3: [0.08, 0.93] }[quarters];
      assert.ok(Math.abs((first?.Polygon[0]?.X ?? 0) - (corner?.[0] ?? 0)) < 0.03, JSON.stringify(first));
      assert.ok(Math.abs((first?.Polygon[0]?.Y ?? 0) - (corner?.[1] ?? 0)) < 0.03, JSON.stringify(first));
    });
  }

  test('a blank page has no lines', async () => {
    const canvas = createCanvas(600, 800);
    const pen = canvas.getContext('2d');
    pen.fillStyle = '#ffffff';
    pen.fillRect(0, 0, 600, 800);
    const { Blocks } = await detect(canvas.toBuffer('image/png'));
    assert.deepEqual(
      Blocks.map((block) => block.BlockType),
      ['PAGE'],
    );
  });

  const refusals: [why: string, document: Shape, error: string][] = [
    ['an object that does not exist', s3('missing.png'), 'InvalidS3ObjectException'],
    ['a program', s3('setup.png'), 'UnsupportedDocumentException'],
    ['a PDF of several pages', s3('scanned-contract.pdf'), 'UnsupportedDocumentException'],
    ['a PDF with a password', s3('encrypted.pdf'), 'UnsupportedDocumentException'],
    [
      'a truncated image',
      { Bytes: objects['two-columns.png']?.subarray(0, 40).toString('base64') },
      'BadDocumentException',
    ],
    [
      'more than 10 MB',
      { Bytes: Buffer.concat([objects['two-columns.png'] ?? Buffer.alloc(0), Buffer.alloc(10 << 20)]) },
      'DocumentTooLargeException',
    ],
    ['neither bytes nor an object', {}, 'InvalidParameterException'],
  ];
  for (const [why, Document, name] of refusals) {
    test(`${why}: ${name}`, async () => {
      await assert.rejects(call('DetectDocumentText', { Document }), { name });
    });
  }

  test('a caller who may not read the object is told so in the words of Textract', async () => {
    world.denied.add('s3:GetObject');
    await assert.rejects(call('DetectDocumentText', { Document: s3('two-columns.png') }), {
      name: 'InvalidS3ObjectException',
      message: 'Unable to get object metadata from S3. Check object key, region and/or access permissions.',
    });
  });
});

describe('asynchronous detection', () => {
  test('a job is announced on its topic, and its results come in pages', async () => {
    const { JobId } = await begin('fax.tiff', { JobTag: 'file-1' });
    await world.published();
    assert.deepEqual(world.messages, [
      {
        JobId,
        Status: 'SUCCEEDED',
        API: 'StartDocumentTextDetection',
        JobTag: 'file-1',
        Timestamp: world.clock.now(),
        DocumentLocation: { S3ObjectName: 'fax.tiff', S3Bucket: 'landing' },
      },
    ]);
    assert.deepEqual(world.callers.at(-1), { kind: 'role', roleArn: PUBLISHER, sessionName: 'textract' });
    assert.deepEqual(world.authorised, [`iam:PassRole ${PUBLISHER}`, `sts:AssumeRole ${PUBLISHER}`]);

    const whole = Detection.parse(await call('GetDocumentTextDetection', { JobId }));
    assert.equal(whole.DocumentMetadata.Pages, 2);
    assert.ok(textOf(whole.Blocks).includes('Terms of delivery'));
    const parts: Blocks = [];
    let NextToken: string | undefined;
    do {
      const part = Detection.parse(
        await call('GetDocumentTextDetection', { JobId, MaxResults: 7, NextToken }),
      );
      assert.ok(part.Blocks.length <= 7);
      parts.push(...part.Blocks);
      NextToken = part.NextToken;
    } while (NextToken !== undefined);
    assert.deepEqual(parts, whole.Blocks);
  });

  test('the same token and request give the same job; another request is a mismatch', async () => {
    const first = await begin('invoice.pdf', { ClientRequestToken: 'token-1' });
    const second = await begin('invoice.pdf', { ClientRequestToken: 'token-1' });
    assert.equal(second.JobId, first.JobId);
    await assert.rejects(begin('fax.tiff', { ClientRequestToken: 'token-1' }), {
      name: 'IdempotentParameterMismatchException',
    });
    await world.published();
    assert.equal(world.messages.length, 1);
  });

  test('two requests with one token at the same moment begin one job', async () => {
    const [a, b] = await Promise.all([
      begin('invoice.pdf', { ClientRequestToken: 'twin' }),
      begin('invoice.pdf', { ClientRequestToken: 'twin' }),
    ]);
    assert.equal(a.JobId, b.JobId);
  });

  test('a job that the end of the process cut off is finished by the next start', async () => {
    const { JobId } = await begin('scanned-contract.pdf');
    await textract.stop?.();
    assert.equal(world.messages.length, 0);
    const next = world.start();
    assert.equal((await call('GetDocumentTextDetection', { JobId }, next)).JobStatus, 'IN_PROGRESS');
    next.start?.();
    await world.published();
    const { Blocks } = Detection.parse(await call('GetDocumentTextDetection', { JobId }, next));
    assert.ok(textOf(Blocks).includes('RENTAL AGREEMENT'));
  });

  test('a document that cannot be read fails its job, and the topic hears it', async () => {
    const { JobId } = await begin('encrypted.pdf');
    await world.published();
    assert.equal(z.object({ Status: z.string() }).parse(world.messages[0]).Status, 'FAILED');
    const result = await call('GetDocumentTextDetection', { JobId });
    assert.equal(result.JobStatus, 'FAILED');
    assert.equal(result.StatusMessage, 'INVALID_DOCUMENT');
  });

  test('who may not pass the role to Textract cannot begin', async () => {
    world.denied.add('iam:PassRole');
    await assert.rejects(begin('fax.tiff'), { name: 'AccessDeniedException' });
  });

  test('an unknown job, a long tag and a token of another job are refused', async () => {
    await assert.rejects(call('GetDocumentTextDetection', { JobId: 'nobody' }), {
      name: 'InvalidJobIdException',
    });
    await assert.rejects(begin('fax.tiff', { JobTag: 'x'.repeat(65) }), {
      name: 'InvalidParameterException',
    });
    const { JobId } = await begin('invoice.pdf');
    await world.published();
    await assert.rejects(call('GetDocumentTextDetection', { JobId, NextToken: 'bm9uc2Vuc2U' }), {
      name: 'InvalidParameterException',
    });
  });
});

test('the AWS SDK understands answers and errors', async (t) => {
  const served = new FakeContext();
  served.use(t, createTextract(served));
  const client = new TextractClient({
    endpoint: await serveJson(t, served, 'textract'),
    region: served.region,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  });
  t.after(() => client.destroy());
  const { Blocks } = await client.send(
    new DetectDocumentTextCommand({ Document: { Bytes: objects['invoice.pdf'] } }),
  );
  assert.equal(Blocks?.find((block) => block.BlockType === 'LINE')?.Text, 'INVOICE 2026-0417');
  await assert.rejects(client.send(new GetDocumentTextDetectionCommand({ JobId: 'nobody' })), {
    name: 'InvalidJobIdException',
  });
});
