import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { customerFeatures } from '../../datasets/customer-features.ts';
import { customers } from '../../datasets/customers.ts';
import { parquetColumns } from '../../datasets/dataset.ts';
import { documents } from '../../datasets/documents.ts';
import { tickets } from '../../datasets/tickets.ts';
import { FEATURES_WORK, type FeatureSettings } from '../../lambdas/crm-tickets/contract.ts';
import { compactionPrefix } from '../../lambdas/maintenance/contract.ts';
import { LAKE } from '../../lambdas/shared/contract.ts';
import type { Lake } from '../constructs/lake.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import type { Permission } from '../constructs/permissions.ts';
import type { SourcesTable } from '../constructs/sources-table.ts';
import { SparkJob, WORKER_TYPE } from '../constructs/spark-job.ts';
import type { PipelineProps } from './pipeline.ts';

export interface CustomerFeaturesProps extends PipelineProps {
  readonly pipeline: string;
  readonly lake: Lake;
  readonly sources: SourcesTable;
}

/** What glue/crm_features.sql reads. */
const INPUTS = [tickets, customers, documents];

/**
 * What is known of each customer: the Glue job, and the functions before and behind it. A part of the state machine of
 * crm-tickets, whose states PlanFeatures, ComputeFeatures and PublishFeatures use it.
 */
export class CustomerFeatures extends Construct {
  readonly functions: readonly NodeFunction[];
  /** Asks whether the execution that has the claim is over. */
  readonly plan: NodeFunction;
  /** For the state machine's definition. */
  readonly substitutions: Readonly<Record<string, string>>;
  /** For the state machine's role. */
  readonly permissions: readonly Permission[];

  constructor(scope: Construct, id: string, props: CustomerFeaturesProps) {
    super(scope, id);
    const { config, pipeline, lake, sources } = props;
    const { enabled, ...features } = config.features;
    const loaded = INPUTS.map(({ name }) => `${LAKE.loaded}${name}/` as const);

    this.plan = new NodeFunction(this, 'Plan', {
      config,
      pipeline,
      entry: 'lambdas/crm-tickets/features-plan.ts',
      description: 'Says whether customer features are due, what is read for them, and by how many workers.',
      timeout: Duration.minutes(10),
    });
    const { plan } = this;
    sources.grantClaim(plan);
    const compactions = INPUTS.map(({ name }) => compactionPrefix(name));
    const published = [...INPUTS, customerFeatures]
      .filter(({ origin }) => origin !== 'records')
      .map(({ name }) => `${LAKE.published}${name}/` as const);
    lake.grantList(plan, ...loaded, ...compactions, ...published);
    lake.grantRead(plan, ...compactions, `${LAKE.published}${customerFeatures.name}/`);
    lake.grantWrite(plan, FEATURES_WORK);
    const settings: FeatureSettings = { ...features, timeZone: config.crm.timeZone };
    plan.addEnvironment('FEATURES', JSON.stringify(settings));

    const job = new SparkJob(this, 'Job', {
      config,
      pipeline,
      description: 'Millrace: what is known of each customer, from tickets and documents.',
      script: 'glue/crm_features.py',
      sql: 'glue/crm_features.sql',
      arguments: {
        '--columns': parquetColumns(customerFeatures)
          .map(({ name }) => name)
          .join(),
      },
      lake,
      reads: loaded,
      works: FEATURES_WORK,
      timeout: Duration.hours(1),
      minWorkers: features.minWorkers,
    });

    const publish = new NodeFunction(this, 'Publish', {
      config,
      pipeline,
      entry: 'lambdas/crm-tickets/features-publish.ts',
      description: 'Checks the customer features that the job has written, and publishes them.',
      timeout: Duration.minutes(10),
      memory: 1536,
    });
    lake.grantList(publish, FEATURES_WORK);
    lake.grantRead(publish, FEATURES_WORK);
    lake.grantWrite(
      publish,
      `${LAKE.loaded}${customerFeatures.name}/`,
      `${LAKE.published}${customerFeatures.name}/`,
      `${LAKE.manifests}${customerFeatures.name}/`,
    );

    this.functions = [plan, publish];
    this.substitutions = {
      FeaturesEnabled: `${enabled}`,
      PlanFeaturesFunctionArn: plan.functionArn,
      FeaturesJobName: job.jobName,
      FeaturesWorkerType: WORKER_TYPE,
      PublishFeaturesFunctionArn: publish.functionArn,
    };
    this.permissions = [job.runPermission];
  }
}
