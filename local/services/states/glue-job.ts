import { StateError } from '../../asl/errors.ts';
import { isObject, type Json, type JsonObject, toJson } from '../../asl/json.ts';
import { argumentsOf, type IntegrationCall } from './integrations.ts';
import { mappedError } from './sdk-errors.ts';

const MANAGED_TIMES = ['StartedOn', 'LastModifiedOn', 'CompletedOn'];

/**
 * `glue:startJobRun` and `.sync`. A stopped or timed out execution stops the run that it waits for. The run ends the
 * state as it ends itself; every end but SUCCEEDED is `States.TaskFailed`, with the run as its cause.
 */
export async function startJobRun(call: IntegrationCall): Promise<Json> {
  const { resource, runtime, caller } = call;
  const args = argumentsOf(call);
  const JobName = String(args.JobName ?? '');
  const ask = async (operation: string, input: JsonObject): Promise<JsonObject> => {
    try {
      const answer = toJson(await runtime.call('glue', operation, { ...input }, caller, call.signal));
      return isObject(answer) ? answer : {};
    } catch (error) {
      throw mappedError('glue', error, 'optimised');
    }
  };
  const waits = resource.kind === 'service' && resource.pattern !== 'requestResponse';
  if (waits) authorizeWaiting(call, JobName);
  const begun = isObject(call.job) ? call.job : undefined;
  const started = begun ?? { JobName, ...(await ask('StartJobRun', args)) };
  if (!waits) return started;
  call.submitted(started);
  const RunId = String(started.JobRunId ?? '');
  const stop = () => {
    if (call.jobRuns.left) return;
    runtime
      .call('glue', 'BatchStopJobRun', { JobName, JobRunIds: [RunId] }, caller)
      .catch((error: unknown) => runtime.warn(error instanceof Error ? error.message : String(error)));
  };
  call.signal.addEventListener('abort', stop, { once: true });
  await call.jobRuns.ended(RunId);
  call.signal.removeEventListener('abort', stop);
  call.signal.throwIfAborted();
  const { JobRun = {} } = await ask('GetJobRun', { JobName, RunId });
  const run = withMilliseconds(isObject(JobRun) ? JobRun : {});
  if (run.JobRunState !== 'SUCCEEDED') throw new StateError('States.TaskFailed', JSON.stringify(run));
  return run;
}

/** What Step Functions may need while it waits (developer guide, "IAM policies for calling AWS Glue"). */
function authorizeWaiting({ runtime, caller }: IntegrationCall, job: string): void {
  const resource = `arn:aws:glue:${runtime.region}:${runtime.account}:job/${job}`;
  try {
    for (const action of ['glue:GetJobRun', 'glue:GetJobRuns', 'glue:BatchStopJobRun'])
      runtime.authorize({ caller, action, resource });
  } catch (error) {
    throw mappedError('glue', error, 'optimised');
  }
}

const withMilliseconds = (run: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(run).map(([name, value]) => [
      name,
      MANAGED_TIMES.includes(name) && typeof value === 'number' ? Math.round(value * 1000) : value,
    ]),
  );
