import type { Faults } from '../faults/faults.ts';
import type { Assembly } from '../template/assembly.ts';
import type { ProvisionedStacks } from '../template/provision.ts';
import { createApigateway } from './apigateway/index.ts';
import { createCloudformation } from './cloudformation/index.ts';
import { createCloudwatch } from './cloudwatch/index.ts';
import { createComprehend } from './comprehend/index.ts';
import { createDynamodb } from './dynamodb/index.ts';
import { createEc2 } from './ec2/index.ts';
import { createEvents } from './events/index.ts';
import { createGlue } from './glue/index.ts';
import { createIam } from './iam/index.ts';
import { createKms } from './kms/index.ts';
import { createLambda } from './lambda/index.ts';
import { createLogs } from './logs/index.ts';
import { createRedshiftData } from './redshift-data/index.ts';
import { createRedshiftServerless } from './redshift-serverless/index.ts';
import { createS3 } from './s3/index.ts';
import { createScheduler } from './scheduler/index.ts';
import { createSecretsmanager } from './secretsmanager/index.ts';
import type { RuntimeContext } from './service.ts';
import { createSns } from './sns/index.ts';
import { createSqs } from './sqs/index.ts';
import { createSsm } from './ssm/index.ts';
import { createStates } from './states/index.ts';
import { createSts } from './sts/index.ts';
import { createTextract } from './textract/index.ts';
import { createXray } from './xray/index.ts';

/**
 * Every stand-in, in the order in which they start: stores first, then what reacts, and last what polls. They stop in
 * the reverse order.
 */
export async function createServices(
  context: RuntimeContext,
  assembly: Assembly,
  stacks: () => ProvisionedStacks,
  faults: Faults,
) {
  const glue = createGlue(context, assembly);
  return {
    logs: createLogs(context),
    cloudwatch: createCloudwatch(context),
    sts: createSts(context),
    iam: createIam(context),
    kms: createKms(context),
    ssm: createSsm(context),
    secretsmanager: createSecretsmanager(context),
    ec2: createEc2(context),
    xray: createXray(context),
    cloudformation: createCloudformation(context, stacks),
    glue,
    dynamodb: createDynamodb(context),
    sqs: createSqs(context),
    sns: createSns(context),
    s3: createS3(context),
    textract: createTextract(context),
    comprehend: createComprehend(context),
    redshiftServerless: createRedshiftServerless(context),
    redshiftData: createRedshiftData(context),
    events: createEvents(context),
    states: createStates(context, glue.jobRunEnded),
    lambda: createLambda(context, assembly, { faults }),
    apigateway: createApigateway(context),
    scheduler: createScheduler(context),
  };
}

export type Services = Awaited<ReturnType<typeof createServices>>;
