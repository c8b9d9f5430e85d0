import { SendTaskFailureCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import type { Shape } from '../../../local/services/service.ts';
import { type Landed, newId, type QueueRecord, type Stage } from '../stage.ts';
import { movesOf, type Way, type Ways } from './moves.ts';
import { asBatch, type Props } from './props.ts';

/** The ways of documents, from the landing bucket to the warehouse. */
export function documentWays(stage: Stage, props: Props): Ways {
  const { text, image, pdf, corrupt, canary, payloads } = props;
  const { invoke, run, throttled } = movesOf(stage);
  const payload = (path: string) => payloads.get(path) ?? {};
  /** A payload about another source. */
  const about = (path: string, source: Landed) => {
    const { document, ...rest } = payload(path);
    return { ...rest, document: { ...Object(document), source } };
  };

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
  /** A batch with a text of a ticket that nobody has analysed. */
  const analyseTexts: Way = async () => {
    const sha256 = newId();
    const key = `raw/crm-work/texts/${sha256}.txt`;
    await stage.put(key, 'Thank you!');
    await stage.start('sentiment', { texts: [{ sha256, text: { bucket: stage.account.lake, key } }] });
    return stage.invoke('Sentiment/Analyse', asBatch(await stage.receive('Sentiment/Tasks/Queue', sha256)));
  };
  /** A message that the function cannot make sense of, except for the token. */
  const senseless = (record: QueueRecord) => ({
    ...record,
    body: JSON.stringify({ taskToken: JSON.parse(record.body).taskToken }),
  });
  /** A message about a status change, of now and with another detail. */
  const changed = (event: Shape, detail: Shape): QueueRecord => ({
    ...props.arrival,
    body: JSON.stringify({
      ...event,
      time: new Date().toISOString(),
      detail: { ...Object(event.detail), ...detail },
    }),
  });
  const load = run('warehouse-load', props.load);
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
    'Intake/Intake': [
      async () => {
        const key = `documents/${newId()}.txt`;
        await stage.land(key, 'I am new.');
        return stage.invoke('Intake/Intake', asBatch(await stage.receive('Landing/Arrivals/Queue', key)));
      },
      async () => {
        const key = `sales/${newId()}.csv`;
        await stage.land(key, 'No table.');
        return stage.invoke('Intake/Intake', asBatch(await stage.receive('Landing/Arrivals/Queue', key)));
      },
    ],
    'DocumentIngestion/Inspect': [text, { ...text, versionId: 'x'.repeat(32) }, canary].map((input) =>
      invoke('DocumentIngestion/Inspect', () => ({ ...payload('DocumentIngestion/Inspect'), input })),
    ),
    'DocumentIngestion/Publish': [
      invoke('DocumentIngestion/Publish', () => payload('DocumentIngestion/Publish')),
      invoke('DocumentIngestion/Publish', () => about('DocumentIngestion/Publish', canary)),
    ],
    'DocumentIngestion/Quarantine': [
      invoke('DocumentIngestion/Quarantine', () => payload('DocumentIngestion/Quarantine')),
      ...[{ ...corrupt, versionId: 'x'.repeat(32) }, canary].map((source) =>
        invoke('DocumentIngestion/Quarantine', () => about('DocumentIngestion/Quarantine', source)),
      ),
    ],
    'Ocr/Read': [
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
    'Ocr/Collect': [
      async () => stage.invoke('Ocr/Collect', asBatch((await job()).completion)),
      async (refusal) => {
        const { completion } = await job();
        return throttled('textract', () => stage.invoke('Ocr/Collect', asBatch(completion)))(refusal);
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
    'Ocr/LastLook': [async () => stage.invoke('Ocr/LastLook', { fileId: (await job()).fileId, source: pdf })],
    'Ocr/CompletionRole': [
      () =>
        stage.warning(/Textract job/, async () => {
          const { record } = await task('ocr', pdf, { kind: 'pdf', pages: 1 });
          await stage.invoke('Ocr/Read', asBatch(record));
        }),
    ],
    'Sentiment/Analyse': [analyse(), analyse(senseless), throttled('comprehend', analyse()), analyseTexts],
    'WarehouseLoad/Start': [invoke('WarehouseLoad/Start', () => asBatch(props.curated))],
    'WarehouseLoad/Compact': [invoke('WarehouseLoad/Compact', () => payload('WarehouseLoad/Compact'))],
    'WarehouseLoad/Mark': [invoke('WarehouseLoad/Mark', () => payload('WarehouseLoad/Mark'))],
    'Recorder/Recorder': [
      ...[...props.changes.values()].map((event) =>
        invoke('Recorder/Recorder', () => asBatch(changed(event, { input: null, output: null }))),
      ),
      // A file that waits for a person.
      invoke('Recorder/Recorder', () => {
        const [, event = {}] = [...props.endings].find(([name]) => name === text.fileId) ?? [];
        const output = { outcome: 'HELD', reason: { code: 'COST', message: 'It would cost too much.' } };
        return asBatch(changed(event, { name: newId(), output: JSON.stringify(output) }));
      }),
    ],
    'Ocr/StateMachine lambda:InvokeFunction': [
      async (refusal) => {
        const fileId = newId();
        const way = run('ocr', { fileId, source: image, kind: 'image', pages: 1 })(refusal);
        const { body } = await stage.receive('Ocr/Tasks/Queue', fileId);
        const { taskToken } = JSON.parse(body);
        await stage.account.sfn.send(new SendTaskFailureCommand({ taskToken, error: 'States.Timeout' }));
        return way;
      },
    ],
    'Ocr/StateMachine': [run('ocr', { fileId: newId(), source: image, kind: 'image', pages: 1 })],
    'Sentiment/StateMachine': [run('sentiment', { fileId: newId(), source: text, text: props.extracted })],
    'DocumentIngestion/StateMachine states:StopExecution states:execution:Ocr': [stop(image)],
    'DocumentIngestion/StateMachine states:StopExecution states:execution:Sentiment': [stop(text)],
    'DocumentIngestion/StateMachine': [ingest(text), ingest(image), ingest(corrupt)].map(
      (way): Way =>
        (refusal) =>
          stage.polling('Sentiment/Analyse', () => stage.polling('Ocr/Read', () => way(refusal))),
    ),
    's3.amazonaws.com sqs:SendMessage sqs:Landing/Arrivals/Queue': [
      () => stage.warning(/cannot notify/, () => stage.land('documents/another.txt', 'Another.')),
    ],
    's3.amazonaws.com sqs:SendMessage sqs:Lake/Curated/Queue': [
      () => stage.warning(/cannot notify/, () => stage.put('curated/documents/a.json', '{}')),
    ],
    'sns.amazonaws.com for Ocr/Completed sqs:SendMessage sqs:Ocr/Completions/Queue': [
      () => stage.warning(/SNS/, () => stage.publish('Ocr/Completed', 'A job is done.')),
    ],
    'sns.amazonaws.com for Ocr/Completed sqs:SendMessage sqs:Ocr/Completions/DeadLetters': [
      () => stage.warning(/SNS lost/, () => stage.publish('Ocr/Completed', 'A job is done.')),
    ],
    'events.amazonaws.com for Recorder/StatusChanged sqs:SendMessage sqs:Recorder/Changes/Queue': [
      async () => {
        const arn = await stage.start('ocr', {});
        return (await stage.receive('Recorder/Changes/DeadLetters', arn)).error ?? '';
      },
    ],
    'events.amazonaws.com for Recorder/StatusChanged sqs:SendMessage sqs:Recorder/Changes/DeadLetters': [
      () => stage.warning(/dead-letter queue refused/, () => stage.start('ocr', {})),
    ],
    'WarehouseLoad/StateMachine': [load],
    'Warehouse s3:GetObject': [load],
  };
}
