import type { ResultWriter } from './definition.ts';
import { StateError } from './errors.ts';
import type { ChildOutcome } from './host.ts';
import { isArray, type Json, type JsonObject, parseJson } from './json.ts';
import { failureOf, type Walk } from './walk.ts';

const RESULT_FILES = {
  SUCCEEDED: 'SUCCEEDED',
  FAILED: 'FAILED',
  TIMED_OUT: 'FAILED',
  ABORTED: 'PENDING',
} as const;

/**
 * Writes what the children of a Map Run gave to S3: one file per kind of outcome and `manifest.json`, as in the
 * developer guide, "ResultWriter". Returns `{Bucket, Key}` of the manifest.
 * @throws StateError `States.ResultWriterFailed`
 */
export async function writeResults(
  walk: Walk,
  writer: ResultWriter,
  args: JsonObject,
  mapRunArn: string,
  outcomes: readonly ChildOutcome[],
): Promise<JsonObject> {
  const bucket = String(args.Bucket ?? '');
  const prefix = args.Prefix ? `${String(args.Prefix).replace(/\/$/, '')}/` : '';
  const folder = `${prefix}${mapRunArn.split(':').at(-1)}`;
  const { OutputType = 'JSON', Transformation = 'NONE' } = writer.WriterConfig ?? {};
  const put = async (key: string, body: string): Promise<number> => {
    try {
      await walk.host.call(
        's3',
        'PutObject',
        { Bucket: bucket, Key: key, Body: body, ContentType: 'application/json' },
        walk.signal,
      );
    } catch (error) {
      const { reason } = failureOf(error, walk.signal);
      throw new StateError(
        'States.ResultWriterFailed',
        `Attempting to write s3://${bucket}/${key}: ${reason}`,
        { cause: error },
      );
    }
    return Buffer.byteLength(body);
  };
  const files: Record<string, Json[]> = { FAILED: [], PENDING: [], SUCCEEDED: [] };
  for (const kind of Object.keys(files)) {
    const entries = outcomes.filter(({ status }) => RESULT_FILES[status] === kind);
    if (!entries.length) continue;
    const records = entries.flatMap((outcome) => transform(outcome, Transformation));
    const body =
      OutputType === 'JSONL' ? records.map((r) => JSON.stringify(r)).join('\n') : JSON.stringify(records);
    const key = `${folder}/${kind}_0.${OutputType.toLowerCase()}`;
    files[kind] = [{ Key: key, Size: await put(key, body) }];
  }
  const key = `${folder}/manifest.json`;
  await put(key, JSON.stringify({ DestinationBucket: bucket, MapRunArn: mapRunArn, ResultFiles: files }));
  return { Bucket: bucket, Key: key };
}

function transform(outcome: ChildOutcome, how: 'NONE' | 'COMPACT' | 'FLATTEN'): Json[] {
  if (how === 'NONE' || outcome.status !== 'SUCCEEDED') return [describe(outcome)];
  const output = parseJson(outcome.output ?? 'null');
  return how === 'FLATTEN' && isArray(output) ? [...output] : [output];
}

const describe = (outcome: ChildOutcome): JsonObject => ({
  ExecutionArn: outcome.arn,
  Input: outcome.input,
  InputDetails: { Included: true },
  Name: outcome.name,
  ...(outcome.output !== undefined && { Output: outcome.output, OutputDetails: { Included: true } }),
  ...(outcome.error !== undefined && { Error: outcome.error }),
  ...(outcome.reason !== undefined && { Cause: outcome.reason }),
  StartDate: new Date(outcome.startDate).toISOString(),
  Status: outcome.status,
  StopDate: new Date(outcome.stopDate).toISOString(),
});
