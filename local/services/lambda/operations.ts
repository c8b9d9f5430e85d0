import { z } from 'zod';
import { numeric, object, operation, type TypedOperation } from '../operation.ts';
import { AwsError, type Operation, type Operations, type RuntimeContext, type Shape } from '../service.ts';
import type { AsyncQueue, EventInvokeConfig } from './async-queue.ts';
import { describeFunction, functionArn, functionName, type LambdaFunction } from './function.ts';
import type { Invoker } from './invoke.ts';
import { describeMapping, type Mappings, mappingSettings } from './mappings.ts';
import type { Permissions } from './permissions.ts';

export interface OperationsOptions {
  readonly context: RuntimeContext;
  readonly invoker: Invoker;
  readonly asyncQueue: AsyncQueue;
  readonly mappings: Mappings;
  readonly permissions: Permissions;
  readonly functions: () => LambdaFunction[];
  /** @throws AwsError `ResourceNotFoundException` */
  readonly functionNamed: (name: string) => LambdaFunction;
  readonly configure: (changed: LambdaFunction) => void;
  readonly eventInvokeConfig: (functionName: string) => EventInvokeConfig;
}

/** Bytes of a payload: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const PAYLOAD_LIMITS = { RequestResponse: 6 * 1024 * 1024, Event: 1024 * 1024, DryRun: 6 * 1024 * 1024 };
/** Bytes of log that `LogType: Tail` returns. */
const TAIL_BYTES = 4096;

const payload = z
  .union([z.string(), z.instanceof(Uint8Array)])
  .transform((value) => (typeof value === 'string' ? value : Buffer.from(value).toString()))
  .transform((text) => (text === '' ? '{}' : text));

const ofFunction = z.object({ FunctionName: z.string() });
const invokeInput = ofFunction.extend({
  Payload: payload.default('{}'),
  InvocationType: z.enum(['RequestResponse', 'Event', 'DryRun']).default('RequestResponse'),
  LogType: z.enum(['None', 'Tail']).default('None'),
  ClientContext: z
    .string()
    .transform((text): unknown => JSON.parse(Buffer.from(text, 'base64').toString()))
    .optional(),
  /** X-Ray header of the caller. */
  TraceHeader: z.string().optional(),
});
const configurationInput = ofFunction.extend({
  Description: z.string().optional(),
  Timeout: numeric.optional(),
  MemorySize: numeric.optional(),
  Handler: z.string().optional(),
  Environment: z.object({ Variables: z.record(z.string(), z.string()).default({}) }).optional(),
});

/** The API actions of Lambda. */
export function lambdaOperations(options: OperationsOptions): Operations {
  const { context, mappings, permissions, functionNamed, configure } = options;
  const arnOf = (reference: string) => functionNamed(functionName(reference)).arn;
  const find = ({ FunctionName }: { FunctionName: string }) => functionNamed(functionName(FunctionName));

  /** An operation on one function, authorised on its ARN. */
  const onFunction = <Input extends { FunctionName: string }>(
    schema: z.ZodType<Input>,
    handle: TypedOperation<Input>['handle'],
    action?: string,
  ): Operation =>
    operation(
      schema,
      { handle, resources: ({ FunctionName }) => [arnOf(FunctionName)], ...(action && { action }) },
      'InvalidParameterValueException',
    );
  const on = <Input>(schema: z.ZodType<Input>, handle: TypedOperation<Input>['handle']): Operation =>
    operation(schema, { handle }, 'InvalidParameterValueException');
  const byId = z.object({ UUID: z.string() });

  return {
    Invoke: onFunction(invokeInput, (input) => invoke(options, find(input), input), 'lambda:InvokeFunction'),
    GetFunction: onFunction(ofFunction, (input) => {
      const fn = find(input);
      return {
        Configuration: describeFunction(fn),
        Code: { RepositoryType: 'S3', Location: `file://${fn.directory ?? ''}` },
        ...concurrency(fn, (value) => ({ Concurrency: value })),
      };
    }),
    GetFunctionConfiguration: onFunction(ofFunction, (input) => describeFunction(find(input))),
    ListFunctions: on(object, () => ({ Functions: options.functions().map(describeFunction) })),
    UpdateFunctionConfiguration: onFunction(configurationInput, (input) => {
      const before = find(input);
      const changed: LambdaFunction = {
        ...before,
        description: input.Description ?? before.description,
        timeoutSeconds: input.Timeout ?? before.timeoutSeconds,
        memoryMb: input.MemorySize ?? before.memoryMb,
        handler: input.Handler ?? before.handler,
        variables: input.Environment?.Variables ?? before.variables,
        lastModified: context.clock.now(),
      };
      configure(changed);
      return describeFunction(changed);
    }),
    PutFunctionConcurrency: onFunction(
      ofFunction.extend({ ReservedConcurrentExecutions: numeric }),
      (input) => {
        const { ReservedConcurrentExecutions } = input;
        configure({ ...find(input), reservedConcurrency: ReservedConcurrentExecutions });
        return { ReservedConcurrentExecutions };
      },
    ),
    GetFunctionConcurrency: onFunction(ofFunction, (input) => concurrency(find(input), (value) => value)),
    DeleteFunctionConcurrency: onFunction(ofFunction, (input) => {
      configure({ ...find(input), reservedConcurrency: undefined });
      return {};
    }),
    GetPolicy: onFunction(ofFunction, (input) => ({
      Policy: JSON.stringify(permissions.policyOf(find(input).arn)),
      RevisionId: String(find(input).lastModified),
    })),
    GetFunctionEventInvokeConfig: onFunction(ofFunction, (input) => {
      const config = options.eventInvokeConfig(find(input).name);
      return {
        FunctionArn: `${find(input).arn}:$LATEST`,
        MaximumRetryAttempts: config.maximumRetryAttempts,
        MaximumEventAgeInSeconds: config.maximumEventAgeSeconds,
        DestinationConfig: {
          OnSuccess: { ...(config.onSuccess && { Destination: config.onSuccess }) },
          OnFailure: { ...(config.onFailure && { Destination: config.onFailure }) },
        },
      };
    }),
    CreateEventSourceMapping: on(
      mappingSettings.extend({ FunctionName: z.string(), EventSourceArn: z.string() }),
      async ({ FunctionName, EventSourceArn, ...settings }) =>
        describeMapping(context, await mappings.create(FunctionName, EventSourceArn, settings)),
    ),
    GetEventSourceMapping: on(byId, ({ UUID }) => describeMapping(context, mappings.get(UUID))),
    UpdateEventSourceMapping: on(
      mappingSettings.extend({ UUID: z.string() }),
      async ({ UUID, ...settings }) => describeMapping(context, await mappings.update(UUID, settings)),
    ),
    DeleteEventSourceMapping: on(byId, async ({ UUID }) => ({
      ...describeMapping(context, await mappings.delete(UUID)),
      State: 'Deleting',
    })),
    ListEventSourceMappings: on(
      z.object({ FunctionName: z.string().optional(), EventSourceArn: z.string().optional() }),
      ({ FunctionName, EventSourceArn }) => ({
        EventSourceMappings: mappings
          .list()
          .filter((one) => !FunctionName || functionArn(context, one.functionName) === arnOf(FunctionName))
          .filter((one) => !EventSourceArn || one.queueArn === EventSourceArn)
          .map((one) => describeMapping(context, one)),
      }),
    ),
  };
}

async function invoke(
  { invoker, asyncQueue }: OperationsOptions,
  fn: LambdaFunction,
  input: z.infer<typeof invokeInput>,
): Promise<Shape> {
  const { InvocationType, Payload, TraceHeader, ClientContext, LogType } = input;
  const limit = PAYLOAD_LIMITS[InvocationType];
  if (Buffer.byteLength(Payload) > limit) {
    const message = `Request must be smaller than ${limit} bytes for the InvokeFunction operation`;
    throw new AwsError('RequestTooLargeException', message, { status: 413 });
  }
  checkJson(Payload);
  if (InvocationType === 'DryRun') return { StatusCode: 204 };
  if (InvocationType === 'Event') {
    asyncQueue.accept(fn, Payload, TraceHeader);
    return { StatusCode: 202 };
  }
  const result = await invoker.invoke(fn, Payload, { traceId: TraceHeader, clientContext: ClientContext });
  const tail = () => Buffer.from(result.lines.join('\n')).subarray(-TAIL_BYTES).toString('base64');
  return {
    StatusCode: 200,
    Payload: result.payload,
    ...(result.failed && { FunctionError: 'Unhandled' }),
    ...(LogType === 'Tail' && { LogResult: tail() }),
    ExecutedVersion: '$LATEST',
  };
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AwsError('InvalidRequestContentException', `Could not parse request body into json: ${why}`, {
      cause,
    });
  }
}

function concurrency(fn: LambdaFunction, wrap: (value: Shape) => Shape): Shape {
  return fn.reservedConcurrency === undefined
    ? {}
    : wrap({ ReservedConcurrentExecutions: fn.reservedConcurrency });
}
