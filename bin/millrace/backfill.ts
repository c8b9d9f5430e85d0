import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { DescribeMapRunCommand, ListMapRunsCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { parseConfig } from '../../lib/config.ts';
import { type Context, command } from './command.ts';
import { EXIT, NotFound, WrongUsage } from './errors.ts';
import { describeExecution } from './executions.ts';
import { confirm, exitOf, json, note, Progress, pause, say } from './io.ts';
import { counted } from './table.ts';
import { PREFIXES } from './uploads.ts';

const POLL_MS = 2_000;

/**
 * Pages and characters of an object by the end of its name, for an estimate before anybody has read it: a scanned page
 * is about 100 KB, a fax page 50 KB, and a page has about 3,000 characters, as inspect assumes too.
 */
const KINDS: readonly {
  readonly names: RegExp;
  readonly pages: (bytes: number) => number;
  readonly characters?: (bytes: number) => number;
}[] = [
  { names: /\.(txt|text|md|csv|log)$/i, pages: () => 0, characters: (bytes) => bytes },
  { names: /\.(png|jpe?g)$/i, pages: () => 1 },
  { names: /\.tiff?$/i, pages: (bytes) => Math.max(1, Math.round(bytes / 50_000)) },
  { names: /\.pdf$/i, pages: (bytes) => Math.max(1, Math.round(bytes / 100_000)) },
];
const CHARACTERS_PER_PAGE = 3_000;
/** Sentiment, personal data, entities and key phrases read the whole text, in units of 100 characters, at least 3. */
const PASSES = 4;
const UNIT = 100;
const LEAST_UNITS = 3;

interface Found {
  readonly objects: number;
  readonly bytes: number;
  readonly pages: number;
  /** USD */
  readonly estimatedCostUsd: number;
  /** Objects in an archive, which nothing can read before they are restored. */
  readonly archived: number;
}

export const backfill = command({
  name: 'backfill',
  summary: 'take up objects that were in the landing bucket before the deployment',
  operands: { shown: 'PREFIX', least: 1, most: 1 },
  about: `Tells the pipeline of every object below a prefix of the landing bucket, by a Distributed Map. Objects that it
knows already are left as they are, so that it may be repeated. Without --yes it only counts the objects and estimates
what they would cost, new ones and known ones alike, by size and kind of name.`,
  options: {
    yes: { type: 'flag', about: 'do it' },
    'no-wait': { type: 'flag', about: 'start it and do not follow it' },
  },
  examples: ['backfill documents/2025/', 'backfill documents/ --yes'],
  async run(context, values, [prefix = '']) {
    const { io, deployment } = context;
    // The state machine would fail, and open a ticket that no redrive could end.
    if (!PREFIXES.some((one) => prefix.startsWith(one))) {
      throw new WrongUsage(
        `Objects below "${prefix}" start no pipeline: PREFIX begins with ${PREFIXES.join(' or ')}`,
      );
    }
    const stateMachineArn = deployment.machine('backfill');
    const found = await survey(context, prefix);
    if (found.objects === 0) {
      throw new NotFound(`There is no object below ${prefix} in ${deployment.output('LandingBucketName')}.`);
    }
    if (!context.json) {
      say(
        io,
        `${counted(found.objects, 'object')}, ${bytesOf(found.bytes)}, about ${counted(found.pages, 'page')} to read, estimated cost $${found.estimatedCostUsd.toFixed(2)} if all are new`,
      );
      if (found.archived > 0) say(io, `${found.archived} of them are archived: restore those first.`);
    }
    const question = `Take up ${counted(found.objects, 'object')}?`;
    if (!(await confirm(io, question, { yes: values.yes, json: context.json }))) {
      if (context.json) json(io, { dryRun: true, prefix, ...found });
      return EXIT.done;
    }
    const { executionArn = '' } = await deployment.sfn.send(
      new StartExecutionCommand({ stateMachineArn, input: JSON.stringify({ prefix }) }),
    );
    if (values['no-wait']) {
      if (context.json) json(io, { dryRun: false, prefix, ...found, executionArn });
      else say(io, `Started: ${executionArn}`);
      return EXIT.done;
    }
    const end = await follow(context, executionArn);
    if (context.json) json(io, { dryRun: false, prefix, ...found, executionArn, ...end });
    else {
      say(
        io,
        `${end.status}${end.error ? ` (${end.error}: ${end.cause ?? ''})` : ''}: ${end.told} of ${end.total} objects told to the pipeline`,
      );
      if (end.status === 'SUCCEEDED') note(io, 'Their outcomes: npx millrace audit --follow');
      else if (!io.signal.aborted)
        note(io, 'Go on from where it failed: npx millrace redrive --pipeline backfill');
    }
    return exitOf(io, end.status === 'SUCCEEDED');
  },
});

async function survey({ io, deployment }: Context, Prefix: string): Promise<Found> {
  const prices = pricesOf(deployment.prefix);
  const progress = new Progress(io);
  let objects = 0;
  let bytes = 0;
  let pages = 0;
  let archived = 0;
  let estimatedCostUsd = 0;
  const Bucket = deployment.output('LandingBucketName');
  for await (const { Contents = [] } of paginateListObjectsV2(
    { client: deployment.s3 },
    { Bucket, Prefix },
  )) {
    for (const { Key = '', Size = 0, StorageClass = '' } of Contents) {
      // What consoles create as folders.
      if (Key.endsWith('/') && Size === 0) continue;
      objects += 1;
      bytes += Size;
      if (StorageClass === 'GLACIER' || StorageClass === 'DEEP_ARCHIVE') archived += 1;
      const kind = KINDS.find(({ names }) => names.test(Key));
      if (!kind) continue;
      const ofObject = kind.pages(Size);
      pages += ofObject;
      const characters = kind.characters?.(Size) ?? ofObject * CHARACTERS_PER_PAGE;
      const units = Math.max(LEAST_UNITS, Math.ceil(characters / UNIT));
      estimatedCostUsd += ofObject * prices.textractPerPage + units * PASSES * prices.comprehendPerUnit;
    }
    progress.show(`${objects} objects …`);
    if (io.signal.aborted) break;
  }
  progress.clear();
  return { objects, bytes, pages, archived, estimatedCostUsd: Math.round(estimatedCostUsd * 100) / 100 };
}

/** List prices as the configuration of the environment has them, or the defaults for stacks of another name. */
function pricesOf(prefix: string) {
  const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'cdk.json'), 'utf8'));
  const [, environment = 'dev'] = /^Millrace-(.+)$/.exec(prefix) ?? [];
  const isKnown = Object.hasOwn(Object(context?.environments), environment);
  return parseConfig(isKnown ? { ...context, environment } : {}).prices;
}

interface End {
  readonly status: string;
  readonly error?: string;
  readonly cause?: string;
  readonly told: number;
  readonly total: number;
}

async function follow({ io, deployment }: Context, executionArn: string): Promise<End> {
  const progress = new Progress(io);
  let mapRunArn: string | undefined;
  let told = 0;
  let total = 0;
  for (;;) {
    const execution = await describeExecution(deployment.sfn, executionArn, io.signal);
    if (!mapRunArn) {
      const { mapRuns = [] } = await deployment.sfn.send(new ListMapRunsCommand({ executionArn }));
      mapRunArn = mapRuns[0]?.mapRunArn;
    }
    if (mapRunArn) {
      const { itemCounts } = await deployment.sfn.send(new DescribeMapRunCommand({ mapRunArn }));
      told = itemCounts?.succeeded ?? 0;
      total = itemCounts?.total ?? 0;
      progress.show(`${told} of ${total} objects told, ${itemCounts?.failed ?? 0} failed`);
    }
    const { status = 'RUNNING', error, cause } = execution ?? {};
    if (status !== 'RUNNING' || io.signal.aborted) {
      progress.clear();
      return { status, ...(error && { error }), ...(cause && { cause }), told, total };
    }
    await pause(POLL_MS, io.signal);
  }
}

function bytesOf(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}
