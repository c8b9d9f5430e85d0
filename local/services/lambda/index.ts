import { createHash } from 'node:crypto';
import { z } from 'zod';
import { assumeRole } from '../../iam/assume-role.ts';
import { numeric } from '../operation.ts';
import {
  AwsError,
  type LocalService,
  type ProvisionedResource,
  type ResourceRequest,
  type RuntimeContext,
} from '../service.ts';
import { AsyncQueue, DEFAULT_EVENT_INVOKE_CONFIG, type EventInvokeConfig } from './async-queue.ts';
import { checkDestination } from './destinations.ts';
import {
  type Assets,
  functionArn,
  functionFromTemplate,
  functionName,
  type LambdaFunction,
} from './function.ts';
import { Invoker, type InvokerOptions } from './invoke.ts';
import { Mappings, mappingSettings } from './mappings.ts';
import { lambdaOperations } from './operations.ts';
import { Permissions } from './permissions.ts';
import { Pool, type PoolOptions } from './pool.ts';
import { answer } from './routes.ts';

export type { Assets } from './function.ts';

const ofFunction = z.object({ FunctionName: z.string() });
const mappingProperties = mappingSettings.extend({ FunctionName: z.string(), EventSourceArn: z.string() });
const destination = z.object({ Destination: z.string() }).optional();
const eventInvokeProperties = ofFunction.extend({
  MaximumRetryAttempts: numeric.default(DEFAULT_EVENT_INVOKE_CONFIG.maximumRetryAttempts),
  MaximumEventAgeInSeconds: numeric.default(DEFAULT_EVENT_INVOKE_CONFIG.maximumEventAgeSeconds),
  DestinationConfig: z.object({ OnSuccess: destination, OnFailure: destination }).default({}),
});

export interface Lambda extends LocalService {
  /** Whether a function is at work, or waits for an execution environment. */
  isBusy(): boolean;
}

/**
 * Lambda: functions as processes, asynchronous invocation, and event source mappings on queues.
 * @param assets finds the code of functions in the cloud assembly
 */
export function createLambda(
  context: RuntimeContext,
  assets: Assets,
  options: PoolOptions & InvokerOptions = {},
): Lambda {
  const functions = new Map<string, LambdaFunction>();
  const configs = new Map<string, EventInvokeConfig>();
  const pool = new Pool(context, options);
  const invoker = new Invoker(context, pool, options);
  const permissions = new Permissions(context);
  const functionNamed = (name: string): LambdaFunction => {
    const fn = functions.get(name);
    if (fn) return fn;
    const message = `Function not found: ${functionArn(context, name)}`;
    throw new AwsError('ResourceNotFoundException', message, { status: 404 });
  };
  const mappings = new Mappings({ context, invoker, functionNamed });
  const eventInvokeConfig = (name: string) => configs.get(name) ?? DEFAULT_EVENT_INVOKE_CONFIG;
  const asyncQueue = new AsyncQueue({
    context,
    invoker,
    functionNamed: (name) => functions.get(name),
    configOf: eventInvokeConfig,
  });
  const configure = (changed: LambdaFunction) => {
    functions.set(changed.name, changed);
    pool.outdate(changed.name);
  };

  function provisionFunction(resource: ResourceRequest): ProvisionedResource {
    const fn = functionFromTemplate(context, assets, resource);
    // Lambda refuses a function whose role does not trust it, and so does a deployment.
    assumeRole(context, { service: 'lambda.amazonaws.com', roleArn: fn.roleArn, sessionName: fn.name });
    configure(fn);
    return {
      ref: fn.name,
      attributes: {
        Arn: fn.arn,
        SnapStartResponse: { ApplyOn: 'None', OptimizationStatus: 'Off' },
        'SnapStartResponse.ApplyOn': 'None',
        'SnapStartResponse.OptimizationStatus': 'Off',
      },
    };
  }

  async function provisionMapping({
    generatedName,
    properties,
  }: ResourceRequest): Promise<ProvisionedResource> {
    const { FunctionName, EventSourceArn, ...settings } = mappingProperties.parse(properties);
    const { id } = await mappings.create(FunctionName, EventSourceArn, settings, generatedName);
    const EventSourceMappingArn = `arn:aws:lambda:${context.region}:${context.account}:event-source-mapping:${id}`;
    return { ref: id, attributes: { Id: id, EventSourceMappingArn } };
  }

  function provisionEventInvokeConfig({ generatedName, properties }: ResourceRequest): ProvisionedResource {
    const given = eventInvokeProperties.parse(properties);
    const config: EventInvokeConfig = {
      maximumRetryAttempts: given.MaximumRetryAttempts,
      maximumEventAgeSeconds: given.MaximumEventAgeInSeconds,
      onSuccess: given.DestinationConfig.OnSuccess?.Destination,
      onFailure: given.DestinationConfig.OnFailure?.Destination,
    };
    for (const arn of [config.onSuccess, config.onFailure]) if (arn) checkDestination(arn);
    configs.set(functionName(given.FunctionName), config);
    return { ref: generatedName, attributes: {} };
  }

  /** Every version is the function as it is now: here nothing is deployed beside a running system. */
  function provisionVersion({ properties }: ResourceRequest): ProvisionedResource {
    const { arn } = functionNamed(functionName(ofFunction.parse(properties).FunctionName));
    return { ref: `${arn}:1`, attributes: { FunctionArn: `${arn}:1`, Version: '1' } };
  }

  function provisionAlias({ properties }: ResourceRequest): ProvisionedResource {
    const { FunctionName, Name } = ofFunction.extend({ Name: z.string() }).parse(properties);
    const ref = `${functionNamed(functionName(FunctionName)).arn}:${Name}`;
    return { ref, attributes: { AliasArn: ref } };
  }

  function provisionLayer({ generatedName, properties }: ResourceRequest): ProvisionedResource {
    // It may exist, but a function that uses one is refused.
    const hash = createHash('sha256').update(JSON.stringify(properties)).digest('hex').slice(0, 8);
    const ref = `arn:aws:lambda:${context.region}:${context.account}:layer:${generatedName}-${hash}:1`;
    return { ref, attributes: { LayerVersionArn: ref } };
  }

  return {
    signingNames: ['lambda'],
    iamPrefix: 'lambda',
    operations: lambdaOperations({
      context,
      invoker,
      asyncQueue,
      mappings,
      permissions,
      functions: () => [...functions.values()],
      functionNamed,
      configure,
      eventInvokeConfig,
    }),
    http: (request) => answer(context, request),
    resources: {
      'AWS::Lambda::Function': provisionFunction,
      'AWS::Lambda::EventSourceMapping': provisionMapping,
      'AWS::Lambda::Permission': (resource) => {
        const id = permissions.add(resource);
        return { ref: id, attributes: { Id: id } };
      },
      'AWS::Lambda::EventInvokeConfig': provisionEventInvokeConfig,
      'AWS::Lambda::LayerVersion': provisionLayer,
      'AWS::Lambda::Version': provisionVersion,
      'AWS::Lambda::Alias': provisionAlias,
    },
    isBusy: () => pool.isBusy,
    start() {
      asyncQueue.start();
      mappings.start();
    },
    async stop() {
      await mappings.stop();
      asyncQueue.stop();
      await pool.stop();
    },
  };
}
