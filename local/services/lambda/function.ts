import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { numeric } from '../operation.ts';
import type { ResourceRequest, RuntimeContext, Shape } from '../service.ts';

/** Finds the code of the cloud assembly. */
export interface Assets {
  /** Directory of an asset that the template names by bucket and key; `undefined` when the assembly has none such. */
  directoryOf(bucket: string, key: string): string | undefined;
}

/** A function as it is configured; a change of configuration makes a new object, so that environments know they are old. */
export interface LambdaFunction {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  readonly runtime: string;
  readonly handler: string;
  readonly description: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly logGroup: string;
  readonly logFormat: 'Text' | 'JSON';
  readonly logLevel: string | undefined;
  readonly tracing: 'Active' | 'PassThrough';
  readonly architecture: string;
  readonly deadLetterArn: string | undefined;
  readonly reservedConcurrency: number | undefined;
  /** Directory with the code; `undefined` for a function that exists here but cannot run. */
  readonly directory: string | undefined;
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
}

/** Runtimes that run on this process's own Node. */
const RUNNABLE = /^nodejs2\d\.x$/;

/**
 * Helpers that the CDK adds for its own custom resources. The local runtime does their work natively, so that they are
 * never called and may be written in what does not run here.
 */
const CDK_PROVIDERS = /^(BucketNotificationsHandler|Custom|LogRetention|AWS679f53fac002430cb0da5b7982bd2287)/;

const properties = z.object({
  FunctionName: z.string().optional(),
  Role: z.string(),
  Runtime: z.string().optional(),
  Handler: z.string().default('index.handler'),
  PackageType: z.literal('Zip').default('Zip'),
  Description: z.string().default(''),
  Timeout: numeric.default(3),
  MemorySize: numeric.default(128),
  Architectures: z.array(z.string()).default(['x86_64']),
  Environment: z
    .object({ Variables: z.record(z.string(), z.coerce.string()).default({}) })
    .default({ Variables: {} }),
  LoggingConfig: z
    .object({
      LogGroup: z.string().optional(),
      LogFormat: z.enum(['Text', 'JSON']).default('Text'),
      ApplicationLogLevel: z.string().optional(),
    })
    .default({ LogFormat: 'Text' }),
  TracingConfig: z.object({ Mode: z.enum(['Active', 'PassThrough']) }).default({ Mode: 'PassThrough' }),
  DeadLetterConfig: z.object({ TargetArn: z.string().optional() }).default({}),
  ReservedConcurrentExecutions: numeric.optional(),
  Layers: z.array(z.string()).max(0, 'layers have no local stand-in').default([]),
  Code: z.object({
    S3Bucket: z.string().optional(),
    S3Key: z.string().optional(),
    ZipFile: z.string().optional(),
  }),
});

/**
 * Reads an `AWS::Lambda::Function`.
 * @throws Error naming the resource when its runtime, its layers or its code have no local stand-in
 */
export function functionFromTemplate(
  context: RuntimeContext,
  assets: Assets,
  resource: ResourceRequest,
): LambdaFunction {
  const where = `${resource.logicalId} (${resource.constructPath})`;
  const parsed = properties.safeParse(resource.properties);
  if (!parsed.success) throw new Error(`${where}: ${z.prettifyError(parsed.error)}`);
  const given = parsed.data;
  const name = given.FunctionName ?? resource.generatedName;
  const runtime = given.Runtime ?? '';
  const isRunnable = RUNNABLE.test(runtime);
  if (!isRunnable && !CDK_PROVIDERS.test(resource.logicalId)) {
    throw new Error(`${where}: the runtime ${runtime} has no local stand-in; nodejs24.x has`);
  }
  const { S3Bucket = '', S3Key = '', ZipFile } = given.Code;
  const directory = !isRunnable
    ? undefined
    : ZipFile === undefined
      ? assets.directoryOf(S3Bucket, S3Key)
      : writeInlineCode(context, name, ZipFile);
  if (isRunnable && !directory)
    throw new Error(`${where}: the assembly has no code s3://${S3Bucket}/${S3Key}`);
  return {
    name,
    arn: functionArn(context, name),
    roleArn: given.Role,
    runtime,
    handler: given.Handler,
    description: given.Description,
    timeoutSeconds: given.Timeout,
    memoryMb: given.MemorySize,
    variables: given.Environment.Variables,
    logGroup: given.LoggingConfig.LogGroup ?? `/aws/lambda/${name}`,
    logFormat: given.LoggingConfig.LogFormat,
    logLevel: given.LoggingConfig.ApplicationLogLevel,
    tracing: given.TracingConfig.Mode,
    architecture: given.Architectures[0] ?? 'x86_64',
    deadLetterArn: given.DeadLetterConfig.TargetArn,
    reservedConcurrency: given.ReservedConcurrentExecutions,
    directory,
    lastModified: context.clock.now(),
  };
}

export function functionArn({ account, region }: RuntimeContext, name: string): string {
  return `arn:aws:lambda:${region}:${account}:function:${name}`;
}

/** The name in a function's name, partial ARN or ARN, with or without version. */
export function functionName(reference: string): string {
  const [, afterFunction] = /(?:^|:)function:([^:]+)/.exec(reference) ?? [];
  return afterFunction ?? reference.split(':')[0] ?? reference;
}

/** Lambda puts inline code into `index.js`, which is CommonJS unless it is written as a module. */
function writeInlineCode(context: RuntimeContext, name: string, code: string): string {
  const directory = join(context.dataDir, 'lambda', 'inline', name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'index.js'), code);
  return directory;
}

/** The `FunctionConfiguration` of the API. */
export function describeFunction(fn: LambdaFunction): Shape {
  return {
    FunctionName: fn.name,
    FunctionArn: fn.arn,
    Runtime: fn.runtime,
    Role: fn.roleArn,
    Handler: fn.handler,
    Description: fn.description,
    Timeout: fn.timeoutSeconds,
    MemorySize: fn.memoryMb,
    LastModified: new Date(fn.lastModified).toISOString().replace('Z', '+0000'),
    Version: '$LATEST',
    Environment: { Variables: fn.variables },
    ...(fn.deadLetterArn && { DeadLetterConfig: { TargetArn: fn.deadLetterArn } }),
    TracingConfig: { Mode: fn.tracing },
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    Architectures: [fn.architecture],
    LoggingConfig: {
      LogFormat: fn.logFormat,
      LogGroup: fn.logGroup,
      ...(fn.logLevel && { ApplicationLogLevel: fn.logLevel }),
    },
  };
}
