import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { Counts } from './call-counter.ts';
import { type Logged, logsSince, transitionsSince } from './cost-sources.ts';
import { PipelineProcess } from './pipeline-process.ts';
import { PRICES, REDSHIFT } from './prices.ts';
import type { Section } from './section.ts';
import { textOfOneKilobyte } from './texts.ts';

const REPEATS = 4;
const LOADED_TOGETHER = 100;
const DOCUMENTS = 1000;
/** What a request from a function to a service takes on AWS and not here, milliseconds: an assumption. */
const ASSUMED_REQUEST_MS = 20;
const AIM_USD = 0.6;

/** One document of each kind. */
const KINDS: Readonly<Record<string, string | undefined>> = {
  'text of 1 kB': undefined,
  'text of 50 kB': 'long-report.txt',
  'one-page image': 'photographed-letter.jpg',
  'PDF of 3 pages': 'scanned-contract.pdf',
  'TIFF of 2 pages': 'fax.tiff',
  'rejected file': 'setup.png',
};

/** What one document uses. */
interface Usage {
  readonly transitions: number;
  readonly invocations: number;
  readonly gbSeconds: number;
  readonly sqsRequests: number;
  readonly messages: number;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly s3Puts: number;
  readonly s3Gets: number;
  readonly snsRequests: number;
  readonly logBytes: number;
  readonly endpointRequests: Readonly<Record<string, number>>;
  readonly processRequests: Readonly<Record<string, number>>;
  readonly textractPages: number;
  readonly comprehendUnits: number;
}

/** What each kind of document uses, and what AWS asks for 1,000 of it. */
export const cost: Section = async ({ root, say }) => {
  say(
    `cost: ${REPEATS} documents of each of ${Object.keys(KINDS).length} kinds, then ${LOADED_TOGETHER} loaded together`,
  );
  const pipeline = await PipelineProcess.start({ counting: true });
  try {
    const meter = new UsageMeter(pipeline);
    const kinds: Record<string, Usage> = {};
    for (const [kind, sample] of Object.entries(KINDS)) {
      const body = sample ? readFileSync(join(root, 'samples', sample)) : textOfOneKilobyte(1);
      const key = (n: number) => `documents/${kind.replaceAll(' ', '-')}-${n}.bin`;
      // Cold starts and what an environment does once belong to no document.
      await pipeline.settled([await pipeline.drop(key(0), body)], { loaded: true });
      await meter.begin();
      const fileIds: string[] = [];
      let pages = 0;
      for (let n = 1; n <= REPEATS; n++) {
        const fileId = await pipeline.drop(key(n), body);
        fileIds.push(fileId);
        const [state] = (await pipeline.settled([fileId], { loaded: false })).values();
        pages += ['image', 'pdf', 'tiff'].includes(String(state?.result.kind))
          ? Number(state?.result.pages)
          : 0;
      }
      await pipeline.settled(fileIds, { loaded: true });
      kinds[kind] = (await meter.end(REPEATS, kind === 'rejected file' ? 0 : pages)).document;
    }
    await meter.begin();
    const fileIds = await Promise.all(
      Array.from({ length: LOADED_TOGETHER }, (_, n) =>
        pipeline.drop(`documents/load-${n}.txt`, textOfOneKilobyte(n)),
      ),
    );
    await pipeline.settled(fileIds, { loaded: true });
    const load = (await meter.end(LOADED_TOGETHER, 0)).load;
    const costs = Object.fromEntries(Object.entries(kinds).map(([kind, usage]) => [kind, costOf(usage)]));
    const loadCost = costOf(load);
    const image = sum(beside(costs['one-page image'] ?? {})) + sum(loadCost);
    return {
      figures: [
        {
          what: 'USD per 1,000 one-page images, beside Textract, Comprehend and the warehouse',
          value: image,
          unit: 'USD',
          aim: AIM_USD,
        },
        {
          what: 'the same with the warehouse, one load',
          value: image + warehouseUsd(1),
          unit: 'USD',
          aim: AIM_USD,
        },
        ...Object.entries(costs).map(([kind, services]) => ({
          what: `USD per 1,000: ${kind}, everything`,
          value: sum(services) + (kind === 'rejected file' ? 0 : sum(loadCost) + warehouseUsd(1)),
          unit: 'USD',
        })),
      ],
      details: {
        usagePerDocument: kinds,
        usageOfLoadPerDocument: load,
        usdPer1000: costs,
        usdPer1000Load: loadCost,
        usdPerWarehouseLoad: warehouseUsd(1),
        assumptions: { requestMs: ASSUMED_REQUEST_MS, loadsPer1000: 1, ...REDSHIFT },
      },
      notes: [
        ...usageLines({ ...kinds, 'load, share of a document': load }),
        '',
        ...costLines({ ...costs, 'load, 1,000 together': loadCost }),
      ],
    };
  } finally {
    await pipeline.stop();
  }
};

class UsageMeter {
  readonly #pipeline: PipelineProcess;
  readonly #logs: CloudWatchLogsClient;
  readonly #sfn: SFNClient;
  #since = 0;

  constructor(pipeline: PipelineProcess) {
    this.#pipeline = pipeline;
    this.#logs = new CloudWatchLogsClient(pipeline.client);
    this.#sfn = new SFNClient(pipeline.client);
  }

  async begin(): Promise<void> {
    await this.#pipeline.quiet();
    await this.#pipeline.counts();
    this.#since = Date.now();
  }

  /** @param textractPages pages in all that were read */
  async end(documents: number, textractPages: number): Promise<{ document: Usage; load: Usage }> {
    await this.#pipeline.quiet();
    const counts = await this.#pipeline.counts();
    const logged = await logsSince(this.#logs, this.#since);
    const transitions = await transitionsSince(this.#sfn, this.#since);
    return {
      document: usageOf(counts.document, logged.document, transitions.document, documents, textractPages),
      load: usageOf(counts.load, logged.load, transitions.load, documents, 0),
    };
  }
}

function usageOf(
  counts: Counts,
  logged: Logged,
  transitions: number,
  documents: number,
  pages: number,
): Usage {
  const each = (value: number) => value / documents;
  const all = [counts.endpoint, counts.process];
  const requests = (pattern: RegExp) =>
    all
      .flatMap((calls) => Object.entries(calls))
      .reduce((total, [name, count]) => total + (pattern.test(name) ? count : 0), 0);
  const perDocument = (calls: Record<string, number>) =>
    Object.fromEntries(Object.entries(calls).map(([name, count]) => [name, each(count)]));
  const waitedGbSeconds = (sum(counts.endpoint) * ASSUMED_REQUEST_MS * logged.meanGb) / 1000;
  return {
    transitions: each(transitions),
    invocations: each(logged.invocations),
    gbSeconds: each(logged.gbSeconds + waitedGbSeconds),
    sqsRequests: each(requests(/^sqs:/)),
    messages: each(requests(/^sqs:SendMessage$/)),
    writeUnits: each(counts.writeUnits),
    readUnits: each(counts.readUnits),
    s3Puts: each(requests(/^s3:(PutObject|POST|CopyObject|ListObjects)/)),
    s3Gets: each(requests(/^s3:(GetObject|HeadObject)/)),
    snsRequests: each(requests(/^sns:/)),
    logBytes: each(logged.bytes),
    endpointRequests: perDocument(counts.endpoint),
    processRequests: perDocument(counts.process),
    textractPages: each(pages),
    comprehendUnits: each(counts.comprehendUnits),
  };
}

/** USD for 1,000 documents, by service. */
function costOf(usage: Usage): Record<string, number> {
  const usd = {
    'Step Functions': usage.transitions * PRICES.stateTransition,
    Lambda: usage.invocations * PRICES.lambdaRequest + usage.gbSeconds * PRICES.lambdaGbSecond,
    SQS: usage.sqsRequests * PRICES.sqsRequest,
    SNS: usage.snsRequests * PRICES.snsRequest,
    DynamoDB: usage.writeUnits * PRICES.dynamodbWriteUnit + usage.readUnits * PRICES.dynamodbReadUnit,
    S3: usage.s3Puts * PRICES.s3Put + usage.s3Gets * PRICES.s3Get,
    'CloudWatch Logs': (usage.logBytes / 1e9) * PRICES.logGb,
    Textract: usage.textractPages * PRICES.textractPage,
    Comprehend: usage.comprehendUnits * PRICES.comprehendUnit,
  };
  return Object.fromEntries(Object.entries(usd).map(([service, each]) => [service, each * DOCUMENTS]));
}

const warehouseUsd = (loads: number) =>
  loads * REDSHIFT.rpus * (REDSHIFT.secondsPerLoad / 3600) * PRICES.redshiftRpuHour;

const beside = ({ Textract: _textract, Comprehend: _comprehend, ...others }: Record<string, number>) =>
  others;
const sum = (values: Readonly<Record<string, number>>) =>
  Object.values(values).reduce((total, value) => total + value, 0);

const COLUMNS: readonly (keyof Usage)[] = [
  'transitions',
  'invocations',
  'gbSeconds',
  'messages',
  'sqsRequests',
  'writeUnits',
  'readUnits',
  's3Puts',
  's3Gets',
  'logBytes',
  'textractPages',
  'comprehendUnits',
];

function usageLines(usages: Readonly<Record<string, Usage>>): string[] {
  return [
    `| per document | ${COLUMNS.join(' | ')} | endpoint requests | in-process requests |`,
    ...Object.entries(usages).map(
      ([kind, usage]) =>
        `| ${[kind, ...COLUMNS.map((name) => round(Number(usage[name]))), round(sum(usage.endpointRequests)), round(sum(usage.processRequests))].join(' | ')} |`,
    ),
  ];
}

function costLines(costs: Readonly<Record<string, Record<string, number>>>): string[] {
  const services = Object.keys(Object.values(costs)[0] ?? {});
  return [
    `| USD per 1,000 | ${services.join(' | ')} | all |`,
    ...Object.entries(costs).map(
      ([kind, usd]) =>
        `| ${[kind, ...services.map((service) => (usd[service] ?? 0).toFixed(4)), sum(usd).toFixed(3)].join(' | ')} |`,
    ),
  ];
}

const round = (value: number) => Number(value.toPrecision(3));
