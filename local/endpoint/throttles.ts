import { z } from 'zod';
import type { RuntimeContext, Shape } from '../services/service.ts';
import type { ObservedCall } from './observe.ts';

const REFUSALS: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'TooManyRequestsException',
]);
const READS = /^(Get|BatchGet|Query|Scan|TransactGet)/;
const Named = z.object({ TableName: z.string().optional(), FunctionName: z.string().optional() });

type Counted = Pick<Parameters<RuntimeContext['metric']>[0], 'namespace' | 'name' | 'dimensions'>;

/** What AWS counts when a service refuses a call. Batches and transactions, which name tables inside, count nowhere here. */
const COUNTERS: Readonly<Record<string, (operation: string, input: Shape) => Counted | undefined>> = {
  dynamodb: (operation, input) => {
    const { TableName } = Named.parse(input);
    const name = READS.test(operation) ? 'ReadThrottleEvents' : 'WriteThrottleEvents';
    return TableName === undefined
      ? undefined
      : { namespace: 'AWS/DynamoDB', name, dimensions: { TableName } };
  },
  textract: (Operation) => ({ namespace: 'AWS/Textract', name: 'ThrottledCount', dimensions: { Operation } }),
};

/**
 * Publishes what AWS's services publish of calls that they refused.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
 */
export function countThrottles(
  { service, operation, input = {}, error }: ObservedCall,
  metric: RuntimeContext['metric'],
): void {
  if (error === undefined || !REFUSALS.has(error)) return;
  const counted = COUNTERS[service]?.(operation, input);
  if (counted) metric({ ...counted, value: 1, unit: 'Count' });
}
