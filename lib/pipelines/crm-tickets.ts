import { Duration } from 'aws-cdk-lib';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import {
  CRM_ANALYSES,
  CRM_RAW,
  CRM_WORK,
  type CrmSettings,
  CURSOR,
  TICKETS_LOADED,
} from '../../lambdas/crm-tickets/contract.ts';
import { LAKE } from '../../lambdas/shared/contract.ts';
import type { Config } from '../config.ts';
import { connectionSecret } from '../constructs/connection-secret.ts';
import { incidentPermission } from '../constructs/incidents.ts';
import type { Lake } from '../constructs/lake.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import { Schedule } from '../constructs/schedule.ts';
import type { SourcesTable } from '../constructs/sources-table.ts';
import { StateMachine } from '../constructs/state-machine.ts';
import { deadLetterQueue, type TaskQueue } from '../constructs/task-queue.ts';
import type { WebhookApi } from '../constructs/webhook-api.ts';
import { CrmWebhook } from './crm-webhook.ts';
import { CustomerFeatures } from './features.ts';
import type { Pipeline, PipelineProps } from './pipeline.ts';

export interface CrmTicketsPipelineProps extends PipelineProps {
  readonly lake: Lake;
  readonly sources: SourcesTable;
  readonly sentiment: StateMachine;
  readonly loads: StateMachine;
}

/** Requests of one execution, at nine events of its history each: Step Functions ends an execution at 25,000. */
const MAX_REQUESTS = 1_200;
/** Fetched pages that are worked on together, and how often one execution does. */
const PAGES_PER_ROUND = 50;
const MAX_ROUNDS = 30;

/** Support tickets and customers of a CRM, from its export into lake and warehouse. */
export class CrmTicketsPipeline extends Construct implements Pipeline {
  readonly pipeline = 'crm-tickets';
  readonly isUnrecorded = true;
  readonly functions: readonly NodeFunction[];
  readonly stateMachine: StateMachine;
  readonly queues: readonly TaskQueue[];
  readonly deadLetters;
  readonly webhookApi?: WebhookApi;
  /** Connection of the CRM. */
  readonly secret: Secret;
  /** Occurrences of the schedule that could not be started. */
  readonly #missed: Queue;

  constructor(scope: Construct, id: string, props: CrmTicketsPipelineProps) {
    super(scope, id);
    const { config, lake, sources, sentiment, loads } = props;
    const { pipeline } = this;
    const step = (name: string, description: string, timeout: Duration, memory: number) =>
      new NodeFunction(this, name, {
        config,
        pipeline,
        entry: `lambdas/crm-tickets/${name.toLowerCase()}.ts`,
        description,
        timeout,
        memory,
      });
    this.secret = this.#secret(config);

    const fetch = step('Fetch', 'Asks the CRM for a page of its tickets.', Duration.minutes(3), 2048);
    fetch.permit({ actions: ['secretsmanager:GetSecretValue'], resources: [this.secret.secretArn] });
    fetch.addEnvironment('CRM_SECRET_ARN', this.secret.secretArn);
    fetch.addEnvironment('CRM', JSON.stringify(settingsOf(config)));
    sources.grantFetch(fetch);
    lake.grantWrite(fetch, CRM_RAW);
    lake.grantRead(fetch, CRM_RAW);
    lake.grantTellMissing(fetch, CRM_RAW);

    const validate = step(
      'Validate',
      'Validates the records of pages and finds texts that are new.',
      Duration.minutes(15),
      2048,
    );
    sources.grantQuery(validate);
    lake.grantRead(validate, CRM_RAW, CRM_ANALYSES);
    lake.grantTellMissing(validate, CRM_ANALYSES);
    lake.grantWrite(validate, CRM_WORK, `${LAKE.quarantine}tickets/`, `${LAKE.quarantine}customers/`);

    const enrich = step(
      'Enrich',
      'Publishes the rows of pages with what their texts feel like.',
      Duration.minutes(15),
      2048,
    );
    lake.grantRead(enrich, CRM_RAW, CRM_WORK, CRM_ANALYSES);
    lake.grantWrite(
      enrich,
      ...DATASETS.flatMap((name) => [
        `${LAKE.loaded}${name}/` as const,
        `${LAKE.published}${name}/` as const,
        `${LAKE.manifests}${name}/` as const,
      ]),
    );

    const settle = step('Settle', 'Notes that pages are loaded.', Duration.minutes(3), 512);
    sources.grantSettle(settle);
    lake.grantRead(settle, CRM_WORK);

    const features = new CustomerFeatures(this, 'Features', { config, pipeline, lake, sources });

    const steps = [fetch, validate, enrich, settle, ...features.functions];
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      config,
      pipeline,
      substitutions: {
        FetchFunctionArn: fetch.functionArn,
        ValidateFunctionArn: validate.functionArn,
        EnrichFunctionArn: enrich.functionArn,
        SettleFunctionArn: settle.functionArn,
        SentimentStateMachineArn: sentiment.arn,
        LoadStateMachineArn: loads.arn,
        SentimentTimeoutSeconds: `${config.timeouts.sentimentSeconds}`,
        // As many batches as the sentiment machine's own admission control lets through.
        TextBatchesAtOnce: `${config.concurrency.sentiment}`,
        TicketsLoaded: TICKETS_LOADED,
        MaxRequests: `${MAX_REQUESTS}`,
        PagesPerRound: `${PAGES_PER_ROUND}`,
        MaxRounds: `${MAX_ROUNDS}`,
        SourcesTable: sources.table.tableName,
        CursorKey: CURSOR,
        ...features.substitutions,
      },
      invokes: steps,
      starts: [sentiment, loads],
      distributedMaps: ['Texts'],
      permissions: [
        {
          actions: ['s3:GetObject'],
          resources: [lake.bucket.arnForObjects(`${CRM_WORK}rounds/*`)],
          wildcardReason: 'Reads the list of texts of a round: its folder is named after the execution.',
        },
        incidentPermission(this),
        sources.giveBackPermission,
        ...features.permissions,
      ],
    });
    // Whether the execution that has the cursor, or is at the features, is over.
    this.stateMachine.grantDescribeBack(fetch);
    this.stateMachine.grantDescribeBack(features.plan);

    this.#missed = deadLetterQueue(this, 'DeadLetters');
    const webhook = config.crm.webhook && config.crm.source === 'zendesk' ? this.#webhook(props) : undefined;
    this.functions = [...steps, ...(webhook?.functions ?? [])];
    this.queues = webhook ? [webhook.events] : [];
    this.deadLetters = [this.#missed, ...(webhook ? [webhook.events.deadLetters] : [])];
    if (webhook) this.webhookApi = webhook.api;
  }

  /** Runs it at intervals. In the stack of those who listen, so that what the first run tells is heard. */
  schedule(scope: Construct, { crm }: Config): void {
    new Schedule(new Construct(scope, 'CrmTickets'), 'Schedule', {
      description: 'Fetches the tickets of the CRM.',
      every: Duration.minutes(crm.everyMinutes),
      timeZone: crm.timeZone,
      stateMachine: this.stateMachine,
      flexibleMinutes: Math.max(1, Math.floor(crm.everyMinutes / 4)),
      deadLetters: this.#missed,
    });
  }

  #webhook({ config, lake, sources }: CrmTicketsPipelineProps): CrmWebhook {
    const { pipeline, secret, stateMachine } = this;
    return new CrmWebhook(this, 'Webhook', {
      config,
      pipeline,
      settings: settingsOf(config),
      connection: secret,
      lake,
      sources,
      stateMachine,
    });
  }

  #secret(config: Config): Secret {
    const { source } = config.crm;
    return connectionSecret(this, 'Secret', {
      config,
      description: `Connection of the CRM (${source}): put its address and credentials here.`,
      output: 'CrmSecretArn',
      metadata: ['millrace:crm', { source }],
      rotation: 'The CRM gives the credentials, so that only the CRM could rotate them.',
    });
  }
}

const DATASETS = ['tickets', 'customers'] as const;

function settingsOf({ crm }: Config): CrmSettings {
  const { source, startDays, requestsPerMinute, allowPrivateTargets } = crm;
  return { source, startDays, requestsPerMinute, allowPrivateTargets };
}
