import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { dynamo, events, sfn } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { InvalidEvent } from '../shared/errors.ts';
import { sqsBatch } from '../shared/handler.ts';
import { putIncident } from '../shared/incident.ts';
import { parseJson } from '../shared/parse.ts';
import { changeOf, type Describe, StatusChangeEvent } from './change.ts';
import { heldIncident } from './held.ts';
import { measure } from './measure.ts';
import { record } from './record.ts';

const env = environment(['AUDIT_TABLE', 'PIPELINES', 'OBJECTIVE']);

const describe: Describe = async (executionArn) => {
  const { input, output, error, cause } = await sfn().send(new DescribeExecutionCommand({ executionArn }));
  return { input, output, error, cause };
};

/**
 * Writes status changes of executions to the audit table, measures each change once, and tells the help desk of files
 * that wait for a person.
 */
export const handler = sqsBatch(async ({ body }, { log, meter, identify }) => {
  const event = parseJson(StatusChangeEvent, body, 'message (expected a status change of an execution)');
  const { stateMachineArn, name } = event.detail;
  const pipeline = env.PIPELINES[stateMachineArn];
  if (!pipeline) throw new InvalidEvent(`${stateMachineArn} belongs to no pipeline of this deployment.`);
  identify({ execution: name, pipeline });
  const change = await changeOf(event, pipeline, describe);
  identify({ fileId: change.id, pipeline: change.pipeline });
  const recorded = await record(change, dynamo(), env.AUDIT_TABLE);
  const { isNews, isCurrent } = recorded;
  log.info('The change was recorded.', { status: change.status, isNews, isCurrent });
  measure(change, recorded, env.OBJECTIVE, meter);
  // Also of what is no news: an earlier delivery may have got as far as the audit table and no further.
  const incident = heldIncident(change, recorded);
  if (incident) await putIncident(events(), incident);
});
