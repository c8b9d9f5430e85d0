import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { CRM_RAW, type CrmSettings, WEBHOOK_SOURCE } from '../../lambdas/crm-tickets/contract.ts';
import type { Config } from '../config.ts';
import { connectionSecret } from '../constructs/connection-secret.ts';
import type { Lake } from '../constructs/lake.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import type { SourcesTable } from '../constructs/sources-table.ts';
import type { StateMachine } from '../constructs/state-machine.ts';
import { TaskQueue } from '../constructs/task-queue.ts';
import { WebhookApi } from '../constructs/webhook-api.ts';

export interface CrmWebhookProps {
  readonly config: Config;
  /** Name of the pipeline that it belongs to. */
  readonly pipeline: string;
  readonly settings: CrmSettings;
  /** Connection of the CRM. */
  readonly connection: ISecret;
  readonly lake: Lake;
  readonly sources: SourcesTable;
  readonly stateMachine: StateMachine;
}

const WORKER_TIMEOUT = Duration.minutes(2);
/** As many tickets as are asked for at once. */
const BATCH = 100;
/** Zendesk waits 12 seconds for an answer. */
const RECEIVER_TIMEOUT = Duration.seconds(10);
const OUTPUT = 'CrmWebhookUrl';

/** Takes single tickets of Zendesk minutes after something has happened to them, where the export comes by the hour. */
export class CrmWebhook extends Construct {
  readonly functions: readonly NodeFunction[];
  readonly events: TaskQueue;
  readonly api: WebhookApi;

  constructor(scope: Construct, id: string, props: CrmWebhookProps) {
    super(scope, id);
    const { config, pipeline, settings, connection, lake, sources, stateMachine } = props;
    const signingSecret = this.#secret(config);
    // What happens to tickets in that time is one look at them and one load, which bills the warehouse for a minute.
    const gathering = Duration.seconds(config.warehouse.batchSeconds);
    this.events = new TaskQueue(this, 'Events', {
      visibilityTimeout: Duration.seconds(6 * WORKER_TIMEOUT.toSeconds() + gathering.toSeconds()),
    });

    const receiver = new NodeFunction(this, 'Receiver', {
      config,
      pipeline,
      entry: 'lambdas/crm-tickets/webhook.ts',
      description: 'Takes calls of the CRM’s webhook that it has signed.',
      timeout: RECEIVER_TIMEOUT,
    });
    receiver.permit({ actions: ['secretsmanager:GetSecretValue'], resources: [signingSecret.secretArn] });
    receiver.addEnvironment('WEBHOOK_SECRET_ARN', signingSecret.secretArn);
    sources.grantNoteEvents(receiver);
    this.events.grantSend(receiver, 'EVENTS_QUEUE_URL');

    const worker = new NodeFunction(this, 'Worker', {
      config,
      pipeline,
      entry: 'lambdas/crm-tickets/webhook-worker.ts',
      description: 'Asks the CRM for tickets that something has happened to, and takes them.',
      timeout: WORKER_TIMEOUT,
    });
    this.events.consumedBy(worker, { batchSize: BATCH, batchingWindow: gathering, maxConcurrency: 2 });
    worker.permit({ actions: ['secretsmanager:GetSecretValue'], resources: [connection.secretArn] });
    worker.addEnvironment('CRM_SECRET_ARN', connection.secretArn);
    worker.addEnvironment('CRM', JSON.stringify(settings));
    // A page is written only where there is none; the one that is there is read.
    lake.grantWrite(worker, `${CRM_RAW}${WEBHOOK_SOURCE}/`);
    lake.grantRead(worker, `${CRM_RAW}${WEBHOOK_SOURCE}/`);
    worker.permit({ actions: ['states:StartExecution'], resources: [stateMachine.arn] });
    worker.addEnvironment('CRM_STATE_MACHINE_ARN', stateMachine.arn);

    this.api = new WebhookApi(this, 'Api', {
      config,
      description: 'Where the CRM tells of single tickets.',
      path: '/zendesk',
      receiver,
      authentication:
        'Zendesk signs each call; the function checks the signature over the body before anything else, for which no authorizer has the body.',
    });
    this.functions = [receiver, worker];
    new CfnOutput(Stack.of(this), OUTPUT, { value: this.api.url });
  }

  #secret(config: Config): Secret {
    return connectionSecret(this, 'Secret', {
      config,
      description: 'Signing secret of the CRM’s webhook: put it here as {"signingSecret": "…"}.',
      output: 'CrmWebhookSecretArn',
      // The output has the address that is called.
      metadata: ['millrace:crm-webhook', { output: OUTPUT }],
      rotation: 'The CRM makes the secret, so that only the CRM could rotate it.',
    });
  }
}
