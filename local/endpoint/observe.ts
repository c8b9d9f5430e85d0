import type { Caller, Shape } from '../services/service.ts';
import type { Dispatch } from './dispatch.ts';

/** An API request that the runtime has answered. */
export interface ObservedCall {
  /** `endpoint`: over HTTP, as functions and people call. `process`: one stand-in of another, as AWS services do. */
  readonly via: 'endpoint' | 'process';
  /** Signing name, for example `sqs`. */
  readonly service: string;
  /** Name of the action; of a REST request its method and path with query. */
  readonly operation: string;
  readonly caller: Caller;
  /** Not there for REST requests. */
  readonly input?: Shape;
  readonly output?: Shape;
  /** Code of the error that was answered. */
  readonly error?: string;
}

/** Shows every call of a dispatch to an observer, after its answer. */
export function observed(
  dispatch: Dispatch,
  via: ObservedCall['via'],
  onCall: ((call: ObservedCall) => void) | undefined,
): Dispatch {
  if (!onCall) return dispatch;
  return async (service, operation, input, caller, signal) => {
    const call = { via, service, operation, caller, input };
    try {
      const output = await dispatch(service, operation, input, caller, signal);
      onCall({ ...call, output });
      return output;
    } catch (error) {
      onCall({ ...call, error: error instanceof Error ? error.name : String(error) });
      throw error;
    }
  };
}
