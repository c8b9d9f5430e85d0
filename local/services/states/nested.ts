import { randomUUID } from 'node:crypto';
import { StateError } from '../../asl/errors.ts';
import { isObject, type Json, type JsonObject, parseJson } from '../../asl/json.ts';
import { argumentsOf, type IntegrationCall } from './integrations.ts';
import type { ChildHandle } from './running.ts';
import { mappedError } from './sdk-errors.ts';
import type { ExecutionRow } from './store.ts';

const MANAGED_RULE = 'StepFunctionsGetEventsForStepFunctionsExecutionRule';

/** `states:startExecution`, `.sync` and `.sync:2`. A stopped or timed out parent stops the child it waits for. */
export async function startNested(call: IntegrationCall): Promise<Json> {
  const { resource, runtime, caller } = call;
  const args = argumentsOf(call);
  const machineArn = String(args.StateMachineArn ?? '');
  const pattern = resource.kind === 'service' ? resource.pattern : 'requestResponse';
  const waits = pattern === 'sync' || pattern === 'sync:2';
  let child: ChildHandle;
  try {
    if (waits) authorizeWaiting(call, machineArn);
    child = await call.startChild({
      caller,
      machineArn,
      name: args.Name === undefined ? undefined : String(args.Name),
      input: typeof args.Input === 'string' ? args.Input : JSON.stringify(args.Input ?? {}),
      visit: call.visit,
    });
  } catch (error) {
    throw mappedError('states', error, 'optimised');
  }
  const requestId = randomUUID();
  const started: JsonObject = {
    ExecutionArn: child.arn,
    SdkHttpMetadata: { HttpStatusCode: 200 },
    SdkResponseMetadata: { RequestId: requestId },
    StartDate: waits ? child.startDate : new Date(child.startDate).toISOString(),
  };
  if (!waits) return started;
  call.submitted(started);
  const stop = () => {
    try {
      runtime.authorize({ caller, action: 'states:StopExecution', resource: child.arn });
      child.stop('The parent execution was stopped.');
    } catch (error) {
      runtime.warn(error instanceof Error ? error.message : String(error));
    }
  };
  call.signal.addEventListener('abort', stop, { once: true });
  const row = await child.ended();
  call.signal.removeEventListener('abort', stop);
  const described = describe(row);
  if (row.status !== 'SUCCEEDED') throw new StateError('States.TaskFailed', JSON.stringify(described));
  return pattern === 'sync' ? described : withParsed(described, ['Input', 'Output']);
}

/** What AWS checks when a state machine that waits for executions is created. */
function authorizeWaiting({ runtime, caller }: IntegrationCall, machineArn: string): void {
  const rule = `arn:aws:events:${runtime.region}:${runtime.account}:rule/${MANAGED_RULE}`;
  for (const action of ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'])
    runtime.authorize({ caller, action, resource: rule });
  const executions = `${machineArn.replace(':stateMachine:', ':execution:')}:*`;
  runtime.authorize({ caller, action: 'states:DescribeExecution', resource: executions });
}

/** An execution as `.sync` shows it: `DescribeExecution` with capitalised members and epoch milliseconds. */
const describe = (row: ExecutionRow): JsonObject => ({
  ...(row.cause !== undefined && { Cause: row.cause }),
  ...(row.error !== undefined && { Error: row.error }),
  ExecutionArn: row.arn,
  Input: row.input,
  InputDetails: { Included: true },
  Name: row.name,
  ...(row.output !== undefined && { Output: row.output, OutputDetails: { Included: true } }),
  RedriveCount: row.redriveCount,
  StartDate: row.startDate,
  StateMachineArn: row.machineArn,
  Status: row.status,
  StopDate: row.stopDate ?? null,
});

const withParsed = (object: JsonObject, members: readonly string[]): Json =>
  isObject(object)
    ? Object.fromEntries(
        Object.entries(object).map(([name, value]) => [
          name,
          members.includes(name) && typeof value === 'string' ? parseJson(value) : value,
        ]),
      )
    : object;
