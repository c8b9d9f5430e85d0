import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { dynamo, sfn } from '../shared/clients.ts';
import { METRIC } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { InvalidEvent } from '../shared/errors.ts';
import { sqsBatch } from '../shared/handler.ts';
import { MetricUnit } from '../shared/meter.ts';
import { parseJson } from '../shared/parse.ts';
import { changeOf, type Describe, StatusChangeEvent } from './change.ts';
import { record } from './record.ts';

const env = environment(['AUDIT_TABLE', 'PIPELINES']);

const describe: Describe = async (executionArn) => {
  const { input, output, error, cause } = await sfn().send(new DescribeExecutionCommand({ executionArn }));
  return { input, output, error, cause };
};

/** Writes status changes of executions to the audit table, and measures each change once. */
export const handler = sqsBatch(async ({ body }, { log, meter, identify }) => {
  const event = parseJson(StatusChangeEvent, body, 'message (expected a status change of an execution)');
  const { stateMachineArn, name } = event.detail;
  const pipeline = env.PIPELINES[stateMachineArn];
  if (!pipeline) throw new InvalidEvent(`${stateMachineArn} belongs to no pipeline of this deployment.`);
  identify({ execution: name, pipeline });
  const change = await changeOf(event, pipeline, describe);
  identify({ fileId: change.id });
  const { isNews, isCurrent } = await record(change, dynamo(), env.AUDIT_TABLE);
  log.info('The change was recorded.', { status: change.status, isNews, isCurrent });
  if (!isNews || !change.isFinal) return;
  meter.add(METRIC.outcomes, 1, { Pipeline: pipeline, Outcome: change.status });
  meter.add(METRIC.duration, change.durationMs ?? 0, { Pipeline: pipeline }, MetricUnit.Milliseconds);
});
