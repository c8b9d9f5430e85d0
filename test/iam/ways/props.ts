import { readFileSync } from 'node:fs';
import { createCanvas } from '@napi-rs/canvas';
import { z } from 'zod';
import { decodeKey } from '../../../lambdas/shared/s3-events.ts';
import type { Shape } from '../../../local/services/service.ts';
import { csv, manySales } from '../../support/tabular-files.ts';
import { type Landed, newId, type QueueRecord, type Stage } from '../stage.ts';

const sample = (name: string) => readFileSync(new URL(`../../../samples/${name}`, import.meta.url));
/** Messages as a function gets them from its queue. */
export const asBatch = (...records: readonly QueueRecord[]) => ({ Records: records });

/** Files for the cases, and what the parts of the pipeline said of them to each other. */
export interface Props {
  readonly text: Landed;
  readonly image: Landed;
  readonly pdf: Landed;
  readonly corrupt: Landed;
  /** A file of sales, which was published. */
  readonly orders: Landed;
  /** A text that landed as the canary's. */
  readonly canary: Landed;
  /** What S3 told of the text. */
  readonly arrival: QueueRecord;
  /** What S3 told of the text's curated record. */
  readonly curated: QueueRecord;
  /** Key of that record. */
  readonly record: string;
  /** Extracted text of the text, in the lake. */
  readonly extracted: Shape;
  /** Payloads of the functions that state machines invoke, by the paths of the functions. */
  readonly payloads: ReadonlyMap<string, Shape>;
  /** Input of the load. */
  readonly load: Shape;
  /** The last status change of an execution of each state machine, by its ARN. */
  readonly changes: ReadonlyMap<string, Shape>;
  /** Status changes by which executions ended, by the executions' names; those that come later, too. */
  readonly endings: ReadonlyMap<string, Shape>;
}

const INVOKED = [
  'DocumentIngestion/Inspect',
  'DocumentIngestion/Publish',
  'DocumentIngestion/Quarantine',
  'WarehouseLoad/Compact',
  'WarehouseLoad/Mark',
];

const Scheduled = z.object({ Payload: z.looseObject({}), FunctionName: z.string() });

const S3Event = z.object({
  Records: z.tuple([z.object({ s3: z.object({ object: z.object({ key: z.string() }) }) })]),
});

/** Takes a text and a broken file all the way by hand, and keeps what is said on the way. */
export async function gatherProps(stage: Stage): Promise<Props> {
  const changes = new Map<string, Shape>();
  const endings = new Map<string, Shape>();
  let isOver = false;
  stage.test.runtime.onEvent((event) => {
    if (event.source !== 'aws.states') return;
    const { stateMachineArn, name, status } = event.detail;
    const change = { ...event, time: stage.now.toISOString() };
    if (!isOver) changes.set(String(stateMachineArn), change);
    if (status !== 'RUNNING') endings.set(String(name), change);
  });
  const text = await stage.land('documents/letter.txt', 'The delivery was quick. Call Jane Roe, thank you!');
  const arrival = await stage.receive('Landing/Arrivals/Queue');
  const corrupt = await stage.land('documents/corrupt.pdf', sample('corrupt.pdf'));
  const refused = await stage.receive('Landing/Arrivals/Queue');
  await stage.invoke('Intake/Intake', asBatch(arrival, refused));
  const analysis = await stage.receive('Sentiment/Tasks/Queue');
  await stage.invoke('Sentiment/Analyse', asBatch(analysis));
  const curated = await stage.receive('Lake/Curated/Queue');
  await stage.invoke('WarehouseLoad/Start', asBatch(curated));

  await stage.start('ocr', { fileId: newId(), source: text, kind: 'image', pages: 1 });
  const ended = async (pipeline: 'document-ingestion' | 'warehouse-load') =>
    stage.account.until(`the end of ${pipeline}`, async () => {
      const executions = await stage.account.executions(pipeline);
      return executions.length > 0 && executions.every(({ status }) => status === 'SUCCEEDED') && executions;
    });
  const orders = await stage.land('sales/orders.csv', csv(manySales(3)));
  await stage.follow(await stage.start('sales', { ...orders }, orders.fileId), async () => false);
  const payloads = new Map<string, Shape>();
  let load: Shape = {};
  for (const { executionArn } of [
    ...(await ended('document-ingestion')),
    ...(await ended('warehouse-load')),
  ]) {
    for (const event of await stage.account.history(executionArn)) {
      load = parse(event.executionStartedEventDetails?.input) ?? load;
      const scheduled = Scheduled.safeParse(parse(event.taskScheduledEventDetails?.parameters));
      if (!scheduled.success) continue;
      const path = INVOKED.find((path) => scheduled.data.FunctionName.includes(stage.id(`${path}/Function`)));
      if (path) payloads.set(path, scheduled.data.Payload);
    }
  }
  isOver = true;
  return {
    text,
    corrupt,
    orders,
    canary: await stage.land('canary/succeed/feather.txt', 'Tweet.'),
    image: await stage.land('documents/word.png', picture('Thanks')),
    pdf: await stage.land('documents/invoice.pdf', sample('invoice.pdf')),
    arrival,
    curated,
    record: decodeKey(S3Event.parse(JSON.parse(curated.body)).Records[0].s3.object.key),
    extracted: z.looseObject({ text: z.looseObject({}) }).parse(JSON.parse(analysis.body)).text,
    payloads,
    load,
    changes,
    endings,
  };
}

const parse = (text: string | undefined): Shape | undefined =>
  text === undefined ? undefined : z.looseObject({}).parse(JSON.parse(text));

function picture(text: string): Buffer {
  const canvas = createCanvas(260, 80);
  const context = canvas.getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = 'black';
  context.font = '40px sans-serif';
  context.fillText(text, 20, 55);
  return canvas.toBuffer('image/png');
}
