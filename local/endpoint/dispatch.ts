import type { Faults } from '../faults/faults.ts';
import {
  type AuthorizationRequest,
  AwsError,
  type Caller,
  type LocalService,
  type Shape,
} from '../services/service.ts';

/** Runs an API action as a caller: finds it, authorises it, handles it. */
export type Dispatch = (
  signingName: string,
  operation: string,
  input: Shape,
  caller: Caller,
  signal?: AbortSignal,
) => Promise<Shape>;

/**
 * Makes the one way in which API actions run, whether they come over HTTP or from another service in this process.
 * @throws AwsError `UnknownOperationException` for what the stand-in does not support
 */
export function createDispatch(
  serviceFor: (signingName: string) => LocalService | undefined,
  authorize: (request: AuthorizationRequest) => void,
): Dispatch {
  return async (signingName, name, input, caller, signal) => {
    const service = serviceFor(signingName);
    const operation = service?.operations?.[name];
    if (!service || !operation) {
      throw new AwsError(
        'UnknownOperationException',
        `The local runtime does not support ${signingName}:${name}.${service ? ` It supports: ${Object.keys(service.operations ?? {}).join(', ')}.` : ''}`,
      );
    }
    if (operation.action !== null) {
      const action = operation.action ?? `${service.iamPrefix}:${name}`;
      const conditions = operation.conditions?.(input);
      for (const resource of operation.resources?.(input) ?? ['*']) {
        authorize({ caller, action, resource, ...(conditions ? { conditions } : {}) });
      }
    }
    return operation.handle(input, { caller, ...(signal ? { signal } : {}) });
  };
}

/** Lets faults stand around every call of a dispatch. */
export const disturbed =
  (dispatch: Dispatch, via: 'endpoint' | 'process', faults: Faults): Dispatch =>
  (service, operation, input, caller, signal) =>
    faults.call({ via, service, operation, caller }, () =>
      dispatch(service, operation, input, caller, signal),
    );
