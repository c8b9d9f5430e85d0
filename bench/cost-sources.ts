import {
  type CloudWatchLogsClient,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  paginateGetExecutionHistory,
  paginateListExecutions,
  paginateListStateMachines,
  type SFNClient,
} from '@aws-sdk/client-sfn';

const OF_LOAD = /warehouse-?load/i;
/** CloudWatch Logs adds this to each event, bytes: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html */
const EVENT_OVERHEAD = 26;

/** What functions and state machines logged, and what Lambda reports in it. */
export interface Logged {
  readonly bytes: number;
  readonly invocations: number;
  readonly gbSeconds: number;
  /** Memory of the functions, GB, by invocation. */
  readonly meanGb: number;
}

interface ByPart<T> {
  readonly document: T;
  readonly load: T;
}

/** Reads every log group; those of the load by their name. */
export async function logsSince(client: CloudWatchLogsClient, since: number): Promise<ByPart<Logged>> {
  const parts = { document: new Tally(), load: new Tally() };
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, {})) {
    for (const { logGroupName = '' } of logGroups) {
      const tally = parts[OF_LOAD.test(logGroupName) ? 'load' : 'document'];
      for await (const { events = [] } of paginateFilterLogEvents(
        { client },
        { logGroupName, startTime: since },
      )) {
        for (const { message = '' } of events) tally.add(message);
      }
    }
  }
  return { document: parts.document.logged, load: parts.load.logged };
}

class Tally {
  #bytes = 0;
  #invocations = 0;
  #gbSeconds = 0;
  #gb = 0;

  add(message: string): void {
    this.#bytes += Buffer.byteLength(message) + EVENT_OVERHEAD;
    const report = /^REPORT .*Billed Duration: (\d+) ms\s+Memory Size: (\d+) MB/.exec(message);
    if (!report) return;
    const gb = Number(report[2]) / 1024;
    this.#invocations += 1;
    this.#gb += gb;
    this.#gbSeconds += (Number(report[1]) / 1000) * gb;
  }

  get logged(): Logged {
    return {
      bytes: this.#bytes,
      invocations: this.#invocations,
      gbSeconds: this.#gbSeconds,
      meanGb: this.#gb / Math.max(1, this.#invocations),
    };
  }
}

/** State transitions as Step Functions bills them: each state entered, retries included, and the start of each execution. */
export async function transitionsSince(client: SFNClient, since: number): Promise<ByPart<number>> {
  const transitions = { document: 0, load: 0 };
  for await (const { stateMachines = [] } of paginateListStateMachines({ client }, {})) {
    for (const { stateMachineArn, name = '' } of stateMachines) {
      const part = OF_LOAD.test(name) ? 'load' : 'document';
      for await (const { executions = [] } of paginateListExecutions({ client }, { stateMachineArn })) {
        for (const { executionArn, startDate } of executions) {
          if (Number(startDate) >= since) transitions[part] += await transitionsOf(client, executionArn);
        }
      }
    }
  }
  return transitions;
}

const BILLED = /StateEntered$|^ExecutionStarted$/;
const RETRIED = /^(LambdaFunctionScheduled|TaskScheduled)$/;

async function transitionsOf(client: SFNClient, executionArn: string | undefined): Promise<number> {
  let billed = 0;
  let attempts = 0;
  for await (const { events = [] } of paginateGetExecutionHistory({ client }, { executionArn })) {
    for (const { type = '' } of events) {
      if (BILLED.test(type)) billed += 1;
      // The first attempt is the state's own transition.
      if (type === 'TaskStateEntered') attempts = 0;
      if (RETRIED.test(type) && attempts++ > 0) billed += 1;
    }
  }
  return billed;
}
