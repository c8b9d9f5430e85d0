import { readFileSync } from 'node:fs';
import { SendTaskFailureCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { createCanvas } from '@napi-rs/canvas';
import { z } from 'zod';
import type { Shape } from '../../local/services/service.ts';
import type { PipelineName } from '../support/account.ts';
import { type Landed, newId, type QueueRecord, type Stage } from './stage.ts';

/** Does the smallest thing that takes some permissions; answers what a person sees of how it went. */
export type Way = () => Promise<string>;

const sample = (name: string) => readFileSync(new URL(`../../samples/${name}`, import.meta.url));
const asBatch = (...records: readonly QueueRecord[]) => ({ Records: records });

/** Files for the cases, and what the parts of the pipeline said of them to each other. */
export interface Props {
  readonly text: Landed;
  readonly image: Landed;
  readonly pdf: Landed;
  readonly corrupt: Landed;
  /** What S3 told of the text. */
  readonly arrival: QueueRecord;
  /** What S3 told of the text's curated record. */
  readonly curated: QueueRecord;
  /** Extracted text of the text, in the lake. */
  readonly extracted: Shape;
  /** Payloads of the functions that state machines invoke, by the paths of the functions. */
  readonly payloads: ReadonlyMap<string, Shape>;
  /** Input of the load. */
  readonly load: Shape;
  /** The last status change of an execution of each pipeline. */
  readonly changes: ReadonlyMap<string, Shape>;
}

const INVOKED = [
  'DocumentIngestion/Inspect',
  'DocumentIngestion/Publish',
  'DocumentIngestion/Quarantine',
  'WarehouseLoad/Compact',
  'WarehouseLoad/Mark',
];

const Scheduled = z.object({ Payload: z.looseObject({}), FunctionName: z.string() });

/** Takes a text and a broken file all the way by hand, and keeps what is said on the way. */
export async function gatherProps(stage: Stage): Promise<Props> {
  const changes = new Map<string, Shape>();
  stage.test.runtime.onEvent((event) => {
    if (event.source === 'aws.states') changes.set(String(event.detail.stateMachineArn), { ...event });
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
  const ended = async (pipeline: PipelineName) =>
    stage.account.until(`the end of ${pipeline}`, async () => {
      const executions = await stage.account.executions(pipeline);
      return executions.length > 0 && executions.every(({ status }) => status === 'SUCCEEDED') && executions;
    });
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
  return {
    text,
    corrupt,
    image: await stage.land('documents/word.png', picture('Thanks')),
    pdf: await stage.land('documents/invoice.pdf', sample('invoice.pdf')),
    arrival,
    curated,
    extracted: z.looseObject({ text: z.looseObject({}) }).parse(JSON.parse(analysis.body)).text,
    payloads,
    load,
    changes,
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

/** The ways through the deployment, by who is allowed to go them. */
export function waysOf(stage: Stage, props: Props) {
  const { text, image, pdf, corrupt, payloads } = props;
  const payload = (path: string) => payloads.get(path) ?? {};
  const invoke =
    (path: string, event: () => Shape): Way =>
    () =>
      stage.invoke(path, event());

  /** A task whose token is waited for, new each time. */
  const task = async (pipeline: 'ocr' | 'sentiment', file: Landed, input: Shape) => {
    const fileId = newId();
    const source = { ...file, fileId };
    await stage.start(pipeline, { fileId, source, ...input }, `${fileId}-${pipeline}-0`);
    const queue = pipeline === 'ocr' ? 'Ocr/Tasks/Queue' : 'Sentiment/Tasks/Queue';
    return { fileId, record: await stage.receive(queue, fileId) };
  };
  const read =
    (file: Landed, kind: string, change: (record: QueueRecord) => QueueRecord = (record) => record): Way =>
    async () => {
      const { record } = await task('ocr', file, { kind, pages: 1 });
      return stage.invoke('Ocr/Read', asBatch(change(record)));
    };
  /** A job of Textract that is done, and the message that says so. */
  const job = async () => {
    const { fileId, record } = await task('ocr', pdf, { kind: 'pdf', pages: 1 });
    await stage.invoke('Ocr/Read', asBatch(record));
    return { fileId, record, completion: await stage.receive('Ocr/Completions/Queue', fileId) };
  };
  const analyse =
    (change: (record: QueueRecord) => QueueRecord = (record) => record): Way =>
    async () => {
      const { record } = await task('sentiment', text, { text: props.extracted });
      return stage.invoke('Sentiment/Analyse', asBatch(change(record)));
    };
  /** A message that the function cannot make sense of, except for the token. */
  const senseless = (record: QueueRecord) => ({
    ...record,
    body: JSON.stringify({ taskToken: JSON.parse(record.body).taskToken }),
  });
  const { faults } = stage.test.runtime;
  const throttled =
    (service: string, way: Way): Way =>
    async () => {
      faults.set([{ fault: 'throttled', service }]);
      return way().finally(() => faults.clear());
    };

  /** Runs an execution until a task of it fails or it ends. */
  const run =
    (pipeline: PipelineName, input: Shape): Way =>
    async () => {
      const executionArn = await stage.start(pipeline, input);
      const seen = await stage.account.until(`an end of ${executionArn}`, async () => {
        const events = await stage.account.history(executionArn);
        const failed = events.filter(({ type = '' }) => /Failed|TimedOut|ExecutionSucceeded/.test(type));
        return failed.length > 0 && JSON.stringify(failed);
      });
      await stage.account.sfn.send(new StopExecutionCommand({ executionArn }));
      return seen;
    };
  const ingest = (file: Landed) => run('document-ingestion', { ...file });

  const stop =
    (file: Landed): Way =>
    () =>
      stage.warning(/StopExecution/, async () => {
        const executionArn = await stage.start('document-ingestion', { ...file });
        await stage.account.until('a child', async () =>
          (await stage.account.history(executionArn)).some(({ type }) => type === 'TaskSubmitted'),
        );
        await stage.account.sfn.send(new StopExecutionCommand({ executionArn }));
      });

  return {
    intake: [invoke('Intake/Intake', () => asBatch(props.arrival))],
    inspect: [
      invoke('DocumentIngestion/Inspect', () => ({ ...text })),
      invoke('DocumentIngestion/Inspect', () => ({ ...text, versionId: 'x'.repeat(32) })),
    ],
    publish: [invoke('DocumentIngestion/Publish', () => payload('DocumentIngestion/Publish'))],
    quarantine: [
      invoke('DocumentIngestion/Quarantine', () => payload('DocumentIngestion/Quarantine')),
      invoke('DocumentIngestion/Quarantine', () => {
        const { document, reason } = payload('DocumentIngestion/Quarantine');
        return {
          document: { ...Object(document), source: { ...corrupt, versionId: 'x'.repeat(32) } },
          reason,
        };
      }),
    ],
    read: [
      read(image, 'image'),
      read(pdf, 'pdf'),
      read({ ...image, versionId: 'null' }, 'image'),
      read(image, 'image', senseless),
      throttled('textract', read(image, 'image')),
      // The same message again, as after a crash: the job of its first delivery is looked for.
      async () => {
        const { record } = await job();
        return stage.invoke('Ocr/Read', asBatch(record));
      },
    ],
    collect: [
      async () => stage.invoke('Ocr/Collect', asBatch((await job()).completion)),
      async () => {
        const { completion } = await job();
        return throttled('textract', () => stage.invoke('Ocr/Collect', asBatch(completion)))();
      },
      // Textract tells of a job that it does not know, for a file whose job could not be started.
      async () => {
        const gone = { ...pdf, key: 'documents/gone.pdf' };
        const { fileId, record } = await task('ocr', gone, { kind: 'pdf', pages: 1 });
        await stage.invoke('Ocr/Read', asBatch(record));
        const Message = JSON.stringify({ JobId: 'unknown', Status: 'SUCCEEDED', JobTag: fileId });
        const body = JSON.stringify({ Type: 'Notification', Message });
        return stage.invoke('Ocr/Collect', asBatch({ ...record, body }));
      },
    ],
    lastLook: [async () => stage.invoke('Ocr/LastLook', { fileId: (await job()).fileId, source: pdf })],
    completion: [
      () =>
        stage.warning(/Textract job/, async () => {
          const { record } = await task('ocr', pdf, { kind: 'pdf', pages: 1 });
          await stage.invoke('Ocr/Read', asBatch(record));
        }),
    ],
    analyse: [analyse(), analyse(senseless), throttled('comprehend', analyse())],
    startLoad: [invoke('WarehouseLoad/Start', () => asBatch(props.curated))],
    compact: [invoke('WarehouseLoad/Compact', () => payload('WarehouseLoad/Compact'))],
    mark: [invoke('WarehouseLoad/Mark', () => payload('WarehouseLoad/Mark'))],
    recorder: [...props.changes.values()].map((event) => {
      const detail = { ...Object(event.detail), input: null, output: null };
      const body = JSON.stringify({ ...event, time: new Date().toISOString(), detail });
      return invoke('Recorder/Recorder', () => asBatch({ ...props.arrival, body }));
    }),
    ocrMachine: [run('ocr', { fileId: newId(), source: image, kind: 'image', pages: 1 })],
    ocrTimeout: [
      async () => {
        const fileId = newId();
        const way = run('ocr', { fileId, source: image, kind: 'image', pages: 1 })();
        const { body } = await stage.receive('Ocr/Tasks/Queue', fileId);
        const { taskToken } = JSON.parse(body);
        await stage.account.sfn.send(new SendTaskFailureCommand({ taskToken, error: 'States.Timeout' }));
        return way;
      },
    ],
    sentimentMachine: [run('sentiment', { fileId: newId(), source: text, text: props.extracted })],
    documentMachine: [ingest(text), ingest(image), ingest(corrupt)].map(
      (way): Way =>
        () =>
          stage.polling('Sentiment/Analyse', () => stage.polling('Ocr/Read', way)),
    ),
    stopOcr: [stop(image)],
    stopSentiment: [stop(text)],
    arrivals: [() => stage.warning(/cannot notify/, () => stage.land('documents/another.txt', 'Another.'))],
    curatedRecords: [() => stage.warning(/cannot notify/, () => stage.put('curated/documents/a.json', '{}'))],
    completions: [() => stage.warning(/SNS/, () => stage.publish('Ocr/Completed', 'A job is done.'))],
    lostCompletions: [
      () => stage.warning(/SNS lost/, () => stage.publish('Ocr/Completed', 'A job is done.')),
    ],
    changes: [
      async () => {
        const arn = await stage.start('ocr', {});
        return (await stage.receive('Recorder/Changes/DeadLetters', arn)).error ?? '';
      },
    ],
    lostChanges: [() => stage.warning(/dead-letter queue refused/, () => stage.start('ocr', {}))],
    loadMachine: [run('warehouse-load', props.load)],
  } satisfies Record<string, readonly Way[]>;
}
