import { randomUUID } from 'node:crypto';
import { StateError } from '../../asl/errors.ts';
import type { TaskCall } from '../../asl/host.ts';
import { isArray, isObject, type Json, type JsonObject, parseJson, toJson } from '../../asl/json.ts';
import type { Caller, RuntimeContext } from '../service.ts';
import { startJobRun } from './glue-job.ts';
import { startNested } from './nested.ts';
import type { ChildHandle, ChildStart, JobRuns } from './running.ts';
import { lowerCaseMembers, mappedError, signingName } from './sdk-errors.ts';

/** A task on its way out of an execution. */
export interface IntegrationCall extends TaskCall {
  readonly caller: Caller;
  readonly executionArn: string;
  readonly runtime: RuntimeContext;
  startChild(start: ChildStart): Promise<ChildHandle>;
  readonly jobRuns: JobRuns;
}

type Integration = (call: IntegrationCall, action: string) => Promise<Json>;

/** Optimised integrations by `<service>:<action>`; `*` stands for every action of the service. */
const OPTIMISED: Readonly<Record<string, Integration>> = {
  'lambda:invoke': (call) => invoke(call, argumentsOf(call)),
  'states:startExecution': startNested,
  'glue:startJobRun': startJobRun,
  'sqs:sendMessage': (call) => {
    const args = argumentsOf(call);
    return forward(call, 'sqs', 'SendMessage', { ...args, MessageBody: asText(args.MessageBody) });
  },
  'sns:publish': (call) => {
    const args = argumentsOf(call);
    return forward(call, 'sns', 'Publish', { ...args, Message: asText(args.Message) });
  },
  'events:putEvents': putEvents,
  'dynamodb:getItem': (call) => forward(call, 'dynamodb', 'GetItem', argumentsOf(call)),
  'dynamodb:putItem': (call) => forward(call, 'dynamodb', 'PutItem', argumentsOf(call)),
  'dynamodb:updateItem': (call) => forward(call, 'dynamodb', 'UpdateItem', argumentsOf(call)),
  'dynamodb:deleteItem': (call) => forward(call, 'dynamodb', 'DeleteItem', argumentsOf(call)),
};

/**
 * Performs a task as the execution's role.
 * @throws StateError as Step Functions names the error of the service called
 */
export async function perform(call: IntegrationCall): Promise<Json> {
  const { resource } = call;
  if (resource.kind === 'function') {
    const answer = await invoke(call, { FunctionName: resource.arn, Payload: call.arguments });
    return isObject(answer) ? (answer.Payload ?? null) : null;
  }
  if (resource.type.startsWith('aws-sdk:')) return sdk(call, resource.type.slice(8), resource.action);
  const integration = OPTIMISED[`${resource.type}:${resource.action}`];
  if (!integration)
    throw new StateError(
      'States.Runtime',
      `The integration 'arn:aws:states:::${resource.type}:${resource.name}' is unsupported in the local runtime.`,
    );
  return integration(call, resource.action);
}

export function argumentsOf(call: IntegrationCall): JsonObject {
  if (isObject(call.arguments)) return call.arguments;
  throw new StateError('States.Runtime', 'The arguments of a service integration must be a JSON object.');
}

const asText = (value: Json | undefined): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? null);

/** What the SDK integrations add to an answer. */
function httpMetadata(): JsonObject {
  const requestId = randomUUID();
  return {
    SdkHttpMetadata: {
      AllHttpHeaders: { 'x-amzn-RequestId': [requestId] },
      HttpHeaders: { 'x-amzn-RequestId': requestId },
      HttpStatusCode: 200,
    },
    SdkResponseMetadata: { RequestId: requestId },
  };
}

async function forward(
  call: IntegrationCall,
  service: string,
  operation: string,
  input: JsonObject,
): Promise<Json> {
  try {
    const answer = toJson(
      await call.runtime.call(service, operation, { ...input }, call.caller, call.signal),
    );
    return { ...(isObject(answer) && answer), ...httpMetadata() };
  } catch (error) {
    throw mappedError(service, error, 'optimised');
  }
}

async function sdk(call: IntegrationCall, service: string, action: string): Promise<Json> {
  const operation = `${action[0]?.toUpperCase() ?? ''}${action.slice(1)}`;
  const lower = lowerCaseMembers(service);
  const args = argumentsOf(call);
  const input = lower.input ? recased(args, (first) => first.toLowerCase()) : args;
  try {
    const answer = toJson(
      await call.runtime.call(
        signingName(service),
        operation,
        isObject(input) ? { ...input } : {},
        call.caller,
        call.signal,
      ),
    );
    return lower.output ? recased(answer, (first) => first.toUpperCase()) : answer;
  } catch (error) {
    throw mappedError(service, error, 'sdk');
  }
}

/** Changes the first letter of every member's name. */
function recased(value: Json, change: (first: string) => string): Json {
  if (isArray(value)) return value.map((item) => recased(item, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      `${change(name[0] ?? '')}${name.slice(1)}`,
      recased(item, change),
    ]),
  );
}

async function invoke(call: IntegrationCall, args: JsonObject): Promise<Json> {
  const { Payload = null, InvocationType = 'RequestResponse', ...rest } = args;
  let answer: Record<string, unknown>;
  try {
    answer = await call.runtime.call(
      'lambda',
      'Invoke',
      { ...rest, InvocationType, Payload: JSON.stringify(Payload) },
      call.caller,
      call.signal,
    );
  } catch (error) {
    throw mappedError('lambda', error, 'optimised');
  }
  const text = answer.Payload === undefined ? '' : String(answer.Payload);
  if (answer.FunctionError) throw functionError(text);
  return {
    ExecutedVersion: '$LATEST',
    Payload: readPayload(text),
    ...httpMetadata(),
    StatusCode: Number(answer.StatusCode ?? 200),
  };
}

const readPayload = (text: string): Json => {
  if (text === '') return null;
  try {
    return parseJson(text);
  } catch {
    return text;
  }
};

/** A function's own error: its type is the error's name, and the whole payload the cause. */
function functionError(text: string): StateError {
  const payload = readPayload(text);
  const type = isObject(payload) ? payload.errorType : undefined;
  const message = isObject(payload) ? String(payload.errorMessage ?? '') : '';
  if (typeof type === 'string' && type && type !== 'Sandbox.Timedout') return new StateError(type, text);
  return new StateError(message.includes('Task timed out') ? 'Sandbox.Timedout' : 'Lambda.Unknown', text);
}

/** Puts events; a failed entry fails the task (developer guide, "EventBridge"). */
async function putEvents(call: IntegrationCall): Promise<Json> {
  const args = argumentsOf(call);
  const entries = Array.isArray(args.Entries) ? args.Entries : [];
  const Entries = entries.map((entry: Json) => {
    if (!isObject(entry)) return entry;
    const resources = Array.isArray(entry.Resources) ? entry.Resources : [];
    return { ...entry, Detail: asText(entry.Detail), Resources: [...resources, call.executionArn] };
  });
  const answer = await forward(call, 'events', 'PutEvents', { ...args, Entries });
  if (isObject(answer) && Number(answer.FailedEntryCount ?? 0) > 0)
    throw new StateError('EventBridge.FailedEntry', JSON.stringify(answer));
  return answer;
}
