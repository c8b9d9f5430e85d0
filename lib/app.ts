import { App, type AppProps, Validations } from 'aws-cdk-lib';
import { DISABLE_CREATION_STACK_TRACES } from 'aws-cdk-lib/cx-api';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Config } from './config.ts';
import { projectTags, tagAll } from './constructs/tags.ts';
import { checkDatasets } from './datasets/check.ts';
import { TRIGGERS } from './pipelines/index.ts';
import { DataStack } from './stacks/data.ts';
import { OperationsStack } from './stacks/operations.ts';
import { PipelinesStack } from './stacks/pipelines.ts';

/**
 * The CDK application for one environment: the stacks `Millrace-<environment>-Data`, `-Pipelines` and `-Operations`.
 * @throws InvalidDatasets
 */
export function createApp(config: Config, props: AppProps = {}): App {
  checkDatasets();
  const app = new App({
    analyticsReporting: false,
    treeMetadata: false,
    stackTraces: false,
    ...props,
    // Where each construct was made: paths of this machine.
    context: { ...props.context, [DISABLE_CREATION_STACK_TRACES]: true },
  });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const tags = projectTags(config);
  const env = {
    ...(config.account && { account: config.account }),
    ...(config.region && { region: config.region }),
  };
  const name = `Millrace-${config.environment}`;
  const data = new DataStack(app, `${name}-Data`, {
    env,
    tags,
    config,
    description: 'Millrace: buckets, tables, catalogue and warehouse.',
    triggerPrefixes: TRIGGERS.map(({ prefix }) => prefix),
  });
  const pipelines = new PipelinesStack(app, `${name}-Pipelines`, {
    env,
    tags,
    config,
    data,
    description: 'Millrace: functions, state machines and queues.',
  });
  new OperationsStack(app, `${name}-Operations`, {
    env,
    tags,
    config,
    data,
    pipelines,
    description: 'Millrace: help desk, alarms, reconciliation and canary.',
  });
  tagAll(app, config);
  return app;
}
