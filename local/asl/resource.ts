import { StateError } from './errors.ts';

/** How a task is answered: at once, when its job is done, or through its token. */
export type Pattern = 'requestResponse' | 'sync' | 'sync:2' | 'waitForTaskToken';

/** A task's `Resource`, taken apart. */
export type Resource =
  | { readonly kind: 'function'; readonly arn: string }
  | {
      readonly kind: 'service';
      /** As in history events: `lambda`, `aws-sdk:redshiftdata`. */
      readonly type: string;
      /** As in history events, pattern included: `startExecution.sync:2`. */
      readonly name: string;
      readonly action: string;
      readonly pattern: Pattern;
    };

const INTEGRATION =
  /^arn:[\w-]+:states:[^:]*:[^:]*:((?:aws-sdk:)?[\w-]+):(\w+)(?:\.(sync|sync:2|waitForTaskToken))?$/;
const FUNCTION = /^arn:[\w-]+:lambda:[^:]+:\d{12}:function:[\w$:-]+$/;

const PATTERNS: Readonly<Record<string, Pattern>> = {
  sync: 'sync',
  'sync:2': 'sync:2',
  waitForTaskToken: 'waitForTaskToken',
};

const parsed = new Map<string, Resource | undefined>();

/** Takes a resource ARN apart; undefined where it is none that a Task can call. */
export function parseResource(arn: string): Resource | undefined {
  if (parsed.has(arn)) return parsed.get(arn);
  const resource = read(arn);
  parsed.set(arn, resource);
  return resource;
}

/** @throws StateError `States.Runtime` for an ARN that is no task resource */
export function resourceOf(arn: string): Resource {
  const resource = parseResource(arn);
  if (!resource)
    throw new StateError('States.Runtime', `The resource '${arn}' cannot be called by a Task state.`);
  return resource;
}

function read(arn: string): Resource | undefined {
  if (FUNCTION.test(arn)) return { kind: 'function', arn };
  const match = INTEGRATION.exec(arn);
  if (!match) return undefined;
  const [, type = '', action = '', suffix] = match;
  return {
    kind: 'service',
    type,
    action,
    name: suffix ? `${action}.${suffix}` : action,
    pattern: (suffix && PATTERNS[suffix]) || 'requestResponse',
  };
}
