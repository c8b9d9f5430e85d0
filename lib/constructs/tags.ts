import { Tags } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { Config } from '../config.ts';

/** The tag that everything of the project has; budgets and anomaly detection go by it. */
export const PROJECT_TAG = { key: 'Application', value: 'Millrace' } as const;
/** Value of the Pipeline tag of what several pipelines use. */
const SHARED = 'shared';
/** Value of the Owner tag where the configuration names nobody. */
const NOBODY = 'unassigned';

/** Tags everything below `scope` with a pipeline and its owner; what is nearer to a resource comes first. */
export function tagPipeline(scope: IConstruct, pipeline: string, config: Config): void {
  Tags.of(scope).add('Pipeline', pipeline);
  Tags.of(scope).add('Owner', config.owners[pipeline] ?? config.tags.Owner ?? NOBODY);
}

/** Tags everything of the application: project, environment, what the configuration adds, and pipeline and owner of what is shared. */
export function tagAll(scope: IConstruct, config: Config): void {
  for (const [key, value] of Object.entries(projectTags(config))) Tags.of(scope).add(key, value);
  tagPipeline(scope, SHARED, config);
}

/** Tags of the stacks themselves, which CloudFormation gives to resources of types that the CDK cannot tag. */
export const projectTags = (config: Config): Record<string, string> => ({
  ...config.tags,
  [PROJECT_TAG.key]: PROJECT_TAG.value,
  Environment: config.environment,
});
