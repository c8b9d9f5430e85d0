import { randomBytes, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { instant, object, operation } from '../operation.ts';
import { AwsError, type Caller, type Operations, type RuntimeContext, type Shape } from '../service.ts';
import type { ChangeLog } from './change-log.ts';
import type { EngineOperation } from './engine.ts';

/** Windows of incremental exports (developer guide, "Requesting a table export in DynamoDB"). */
const LEAST_MS = 15 * 60_000;
const MOST_MS = 24 * 3_600_000;

const Export = z.object({
  TableArn: z.string(),
  S3Bucket: z.string(),
  S3Prefix: z.string().default(''),
  ExportFormat: z.enum(['DYNAMODB_JSON']).default('DYNAMODB_JSON'),
  ExportType: z.enum(['FULL_EXPORT', 'INCREMENTAL_EXPORT']).default('FULL_EXPORT'),
  ExportTime: instant.optional(),
  ClientToken: z.string().default(() => randomUUID()),
  IncrementalExportSpecification: z
    .object({
      ExportFromTime: instant,
      ExportToTime: instant.optional(),
      ExportViewType: z.enum(['NEW_IMAGE']),
    })
    .optional(),
});
type Export = z.output<typeof Export>;

const Page = z.object({ Items: z.array(object).default([]), LastEvaluatedKey: object.optional() });

export interface ExportDependencies {
  readonly context: RuntimeContext;
  readonly changes: ChangeLog;
  run(operation: EngineOperation, input: Shape): Promise<Shape>;
  hasRecovery(table: string): boolean;
}

/**
 * Exports of tables to S3, as gzipped lines of DynamoDB JSON under the names that DynamoDB gives: of the whole table as
 * it is now, whatever moment was asked for, or of what changed within a window. They are done before they are answered,
 * and as whoever asked.
 */
export function exportOperations(dependencies: ExportDependencies): Operations {
  const { context, changes, hasRecovery } = dependencies;
  const nameOf = (arn: string) => arn.split('/')[1] ?? arn;
  return {
    ExportTableToPointInTime: operation(Export, {
      resources: ({ TableArn }) => [TableArn],
      async handle(input, { caller }) {
        const known = changes.export(input.ClientToken);
        if (known) return { ExportDescription: known };
        const table = nameOf(input.TableArn);
        await dependencies.run('DescribeTable', { TableName: table });
        if (!hasRecovery(table)) {
          throw new AwsError(
            'PointInTimeRecoveryUnavailableException',
            `Point in time recovery is not enabled for table '${table}'`,
          );
        }
        const description = await write(table, checked(input, context.clock.now()), caller, dependencies);
        changes.saveExport(String(description.ExportArn), input.ClientToken, description);
        return { ExportDescription: { ...description, ExportStatus: 'IN_PROGRESS' } };
      },
    }),
    DescribeExport: operation(z.object({ ExportArn: z.string() }), {
      resources: ({ ExportArn }) => [ExportArn],
      handle({ ExportArn }) {
        const description = changes.export(ExportArn);
        if (!description) throw new AwsError('ExportNotFoundException', `Export not found: ${ExportArn}`);
        return { ExportDescription: description };
      },
    }),
  };
}

/** @throws AwsError `InvalidExportTimeException` for windows that DynamoDB does not take */
function checked(input: Export, now: number): Export {
  const refuse = (message: string): never => {
    throw new AwsError('InvalidExportTimeException', message);
  };
  const { ExportType, ExportTime = now, IncrementalExportSpecification: window } = input;
  if (ExportType === 'FULL_EXPORT') return ExportTime > now ? refuse('ExportTime is in the future.') : input;
  if (!window) throw new AwsError('ValidationException', 'IncrementalExportSpecification is missing.');
  const { ExportFromTime: from, ExportToTime: to = now } = window;
  if (to > now) return refuse('ExportToTime is in the future.');
  if (to - from < LEAST_MS || to - from > MOST_MS)
    return refuse('The window must be 15 minutes to 24 hours long.');
  return input;
}

async function write(
  table: string,
  input: Export,
  caller: Caller,
  { context, changes, run }: ExportDependencies,
): Promise<Shape> {
  const { TableArn, S3Bucket, S3Prefix, ExportType, IncrementalExportSpecification: window } = input;
  const now = context.clock.now();
  const id = `${String(now).padStart(14, '0')}-${randomBytes(4).toString('hex')}`;
  const lines = window
    ? await changedItems(
        table,
        changes.between(table, window.ExportFromTime, window.ExportToTime ?? now),
        run,
      )
    : await allItems(table, run);
  const root = `${S3Prefix && `${S3Prefix}/`}AWSDynamoDB`;
  const put = (Key: string, Body: string | Uint8Array) =>
    context.call('s3', 'PutObject', { Bucket: S3Bucket, Key, Body }, caller);
  // Data of incremental exports share a folder, by which their manifests find them.
  const data = `${window ? root : `${root}/${id}`}/data/${randomBytes(13).toString('hex')}.json.gz`;
  await put(data, gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join('')));
  await put(
    `${root}/${id}/manifest-files.json`,
    `${JSON.stringify({ itemCount: lines.length, dataFileS3Key: data })}\n`,
  );
  const manifest = `${root}/${id}/manifest-summary.json`;
  const exportArn = `${TableArn}/export/${id}`;
  await put(
    manifest,
    JSON.stringify({
      version: window ? '2023-08-01' : '2020-06-30',
      exportArn,
      tableArn: TableArn,
      s3Bucket: S3Bucket,
      s3Prefix: S3Prefix,
      manifestFilesS3Key: `${root}/${id}/manifest-files.json`,
      itemCount: lines.length,
      outputFormat: 'DYNAMODB_JSON',
      exportType: ExportType,
    }),
  );
  return {
    ExportArn: exportArn,
    ExportStatus: 'COMPLETED',
    StartTime: now / 1000,
    EndTime: now / 1000,
    ExportManifest: manifest,
    TableArn,
    S3Bucket,
    S3Prefix,
    ClientToken: input.ClientToken,
    ExportFormat: input.ExportFormat,
    ExportType,
    ItemCount: lines.length,
  };
}

async function allItems(TableName: string, run: ExportDependencies['run']): Promise<Shape[]> {
  const lines: Shape[] = [];
  let ExclusiveStartKey: Shape | undefined;
  do {
    const page = Page.parse(
      await run('Scan', { TableName, ...(ExclusiveStartKey && { ExclusiveStartKey }) }),
    );
    lines.push(...page.Items.map((Item) => ({ Item })));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return lines;
}

async function changedItems(
  TableName: string,
  found: readonly { key: Shape; at: number }[],
  run: ExportDependencies['run'],
): Promise<Shape[]> {
  const lines: Shape[] = [];
  for (const { key, at } of found) {
    const { Item } = await run('GetItem', { TableName, Key: key, ConsistentRead: true });
    lines.push({
      Metadata: { WriteTimestampMicros: { N: String(at * 1000) } },
      Keys: key,
      ...(Item !== undefined && { NewImage: Item }),
    });
  }
  return lines;
}
