import type { TaskState } from '../definition.ts';
import { dataLimitExceeded, StateError } from '../errors.ts';
import { isTooLarge, type Json, type JsonObject } from '../json.ts';
import { type Resource, resourceOf } from '../resource.ts';
import { recover } from '../retry.ts';
import { bounded } from '../time.ts';
import { failureOf, type Outcome, type PendingToken, type Walk } from '../walk.ts';

export function visitTask(walk: Walk, state: TaskState): Promise<Outcome> {
  return recover(walk, state, () => perform(walk, state));
}

const notTruncated = { truncated: false };

/** Time limits of a task in seconds, as evaluated. */
interface Limits {
  readonly timeout: number | undefined;
  readonly heartbeat: number | undefined;
}

async function perform(walk: Walk, state: TaskState): Promise<Json> {
  const { position, host } = walk;
  const resource = resourceOf(state.Resource);
  const events =
    resource.kind === 'function' ? functionEvents(walk, resource.arn) : serviceEvents(walk, resource);
  const pending = position.token;
  if (pending?.submitted) return settle(walk, events, () => answered(walk, pending, pending.timeoutAt));

  const waits = resource.kind === 'service' && resource.pattern === 'waitForTaskToken';
  const visit = host.token(position.enteredId, position.retryCount);
  const token = waits ? visit : undefined;
  // The token is in $states.context while the arguments are evaluated.
  position.token = token ? { token } : undefined;
  const limits = {
    timeout: await walk.evaluateNumber(state.TimeoutSeconds, 'TimeoutSeconds'),
    heartbeat: await walk.evaluateNumber(state.HeartbeatSeconds, 'HeartbeatSeconds'),
  };
  const args = state.Arguments === undefined ? walk.input : await walk.evaluate(state.Arguments, 'Arguments');
  const roleArn =
    state.Credentials &&
    String(await walk.evaluateAs('string', state.Credentials.RoleArn, 'Credentials/RoleArn'));
  const text = JSON.stringify(args);
  if (isTooLarge(text)) throw dataLimitExceeded(`The state/task '${position.state}' was given arguments`);
  if (position.job === undefined) {
    events.scheduled(text, limits, roleArn);
    events.started();
  }

  const now = host.clock.now();
  const timeoutAt = limits.timeout === undefined ? undefined : now + limits.timeout * 1000;
  const submitted = (output: Json) => {
    if (position.job !== undefined) return;
    position.job = output;
    events.submitted(output);
  };
  const call = (signal: AbortSignal) =>
    host.task({
      resource,
      arguments: args,
      roleArn,
      signal,
      visit,
      submitted,
      ...(position.job !== undefined && { job: position.job }),
    });
  if (!token) return settle(walk, events, () => limited(walk, timeoutAt, call));

  const waiting: PendingToken = {
    token,
    ...(timeoutAt !== undefined && { timeoutAt }),
    ...(limits.heartbeat !== undefined && {
      heartbeatMs: limits.heartbeat * 1000,
      heartbeatAt: now + limits.heartbeat * 1000,
    }),
  };
  position.token = waiting;
  return settle(walk, events, async () => {
    // Whoever gets the request may answer before it is acknowledged here.
    const answer = answered(walk, waiting, timeoutAt);
    answer.catch(() => {});
    const send = limited(walk, timeoutAt, call).then((sent) => {
      if (position.token !== waiting) return new Promise<never>(() => {});
      events.submitted(sent);
      waiting.submitted = true;
      return answer;
    });
    return Promise.race([send, answer]);
  });
}

const timedOut = () => new StateError('States.Timeout');
const heartbeatMissed = () =>
  new StateError('States.Timeout', undefined, { alias: 'States.HeartbeatTimeout' });

function limited(
  walk: Walk,
  timeoutAt: number | undefined,
  work: (signal: AbortSignal) => Promise<Json>,
): Promise<Json> {
  const { clock } = walk.host;
  const limit = timeoutAt === undefined ? undefined : { ms: timeoutAt - clock.now(), error: timedOut };
  return bounded(clock, walk.signal, limit, work);
}

/** Waits for the answer to a token, for its time limit and for its heartbeats. */
function answered(walk: Walk, pending: PendingToken, timeoutAt: number | undefined): Promise<Json> {
  const { clock } = walk.host;
  const { heartbeatMs, token } = pending;
  return limited(walk, timeoutAt, (signal) => {
    const waiting = new AbortController();
    signal.addEventListener('abort', () => waiting.abort(signal.reason), { once: true });
    let cancel: (() => void) | undefined;
    const arm = () => {
      cancel?.();
      if (pending.heartbeatAt === undefined) return;
      cancel = clock.after(pending.heartbeatAt - clock.now(), () => waiting.abort(heartbeatMissed()));
    };
    arm();
    const heartbeat = () => {
      if (heartbeatMs !== undefined) pending.heartbeatAt = clock.now() + heartbeatMs;
      arm();
    };
    return walk.host.awaitToken({ token, signal: waiting.signal, heartbeat }).finally(() => cancel?.());
  });
}

/** Records how the task ended and passes it on. */
async function settle(walk: Walk, events: TaskEvents, work: () => Promise<Json>): Promise<Json> {
  let result: Json;
  try {
    result = await work();
    const text = JSON.stringify(result);
    if (isTooLarge(text))
      throw dataLimitExceeded(`The state/task '${walk.position.state}' returned a result`);
    events.succeeded(text);
  } catch (error) {
    const failure = failureOf(error, walk.signal);
    events.failed(failure);
    throw failure;
  }
  return result;
}

interface TaskEvents {
  scheduled(parameters: string, limits: Limits, roleArn: string | undefined): void;
  started(): void;
  submitted(output: Json): void;
  succeeded(output: string): void;
  failed(failure: StateError): void;
}

const failureDetails = ({ error, reason }: StateError): JsonObject => ({
  ...(error !== undefined && { error }),
  ...(reason !== undefined && { cause: reason }),
});

const ending = (failure: StateError): 'TimedOut' | 'Failed' =>
  failure.error === 'States.Timeout' ? 'TimedOut' : 'Failed';

function functionEvents(walk: Walk, arn: string): TaskEvents {
  return {
    scheduled: (input, { timeout }) =>
      walk.record('LambdaFunctionScheduled', {
        lambdaFunctionScheduledEventDetails: {
          resource: arn,
          input,
          inputDetails: notTruncated,
          ...(timeout !== undefined && { timeoutInSeconds: timeout }),
        },
      }),
    started: () => walk.record('LambdaFunctionStarted'),
    submitted: () => {},
    succeeded: (output) =>
      walk.record('LambdaFunctionSucceeded', {
        lambdaFunctionSucceededEventDetails: { output, outputDetails: notTruncated },
      }),
    failed: (failure) =>
      walk.record(`LambdaFunction${ending(failure)}`, {
        [`lambdaFunction${ending(failure)}EventDetails`]: failureDetails(failure),
      }),
  };
}

function serviceEvents(walk: Walk, { type, name }: Extract<Resource, { kind: 'service' }>): TaskEvents {
  const head = { resourceType: type, resource: name };
  return {
    scheduled: (parameters, { timeout, heartbeat }, roleArn) =>
      walk.record('TaskScheduled', {
        taskScheduledEventDetails: {
          ...head,
          region: walk.host.region,
          parameters,
          ...(timeout !== undefined && { timeoutInSeconds: timeout }),
          ...(heartbeat !== undefined && { heartbeatInSeconds: heartbeat }),
          ...(roleArn !== undefined && { taskCredentials: { roleArn } }),
        },
      }),
    started: () => walk.record('TaskStarted', { taskStartedEventDetails: head }),
    submitted: (output) =>
      walk.record('TaskSubmitted', {
        taskSubmittedEventDetails: { ...head, output: JSON.stringify(output), outputDetails: notTruncated },
      }),
    succeeded: (output) =>
      walk.record('TaskSucceeded', {
        taskSucceededEventDetails: { ...head, output, outputDetails: notTruncated },
      }),
    failed: (failure) =>
      walk.record(`Task${ending(failure)}`, {
        [`task${ending(failure)}EventDetails`]: { ...head, ...failureDetails(failure) },
      }),
  };
}
