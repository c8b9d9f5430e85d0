import type { ProvisionedStack, ProvisionedStacks, StackResource } from '../../template/provision.ts';
import { AwsError, type LocalService, type RuntimeContext, type Shape } from '../service.ts';

/** Answers questions about the provisioned stacks; nothing is created or changed through it. */
export function createCloudformation(
  context: RuntimeContext,
  provisioned: () => ProvisionedStacks,
): LocalService {
  const startedAt = new Date(context.clock.now()).toISOString();
  const stacks = () => provisioned().stacks;
  const isNamed = (stack: ProvisionedStack, name: unknown) =>
    stack.stackName === name || stack.stackId === name;

  const stackOf = ({ StackName, PhysicalResourceId }: Shape): ProvisionedStack => {
    const found = stacks().find((stack) =>
      StackName === undefined && PhysicalResourceId !== undefined
        ? stack.resources.some((resource) => resource.physicalId === PhysicalResourceId)
        : isNamed(stack, StackName),
    );
    if (found) return found;
    throw new AwsError('ValidationError', `Stack with id ${StackName ?? PhysicalResourceId} does not exist`);
  };
  const resourceOf = (stack: ProvisionedStack, logicalId: unknown): StackResource => {
    const found = stack.resources.find((resource) => resource.logicalId === logicalId);
    if (found) return found;
    throw new AwsError(
      'ValidationError',
      `Resource ${logicalId} does not exist for stack ${stack.stackName}`,
    );
  };
  const named = (input: Shape) => (input.StackName === undefined ? ['*'] : [stackOf(input).stackId]);

  const describeResource = (stack: ProvisionedStack, resource: StackResource) => ({
    StackName: stack.stackName,
    StackId: stack.stackId,
    LogicalResourceId: resource.logicalId,
    PhysicalResourceId: resource.physicalId,
    ResourceType: resource.type,
    ResourceStatus: STATUS,
    DriftInformation: { StackResourceDriftStatus: 'NOT_CHECKED' },
  });

  return {
    signingNames: ['cloudformation'],
    iamPrefix: 'cloudformation',
    operations: {
      DescribeStacks: {
        resources: named,
        handle: (input) => ({
          Stacks: (input.StackName === undefined ? stacks() : [stackOf(input)]).map((stack) => ({
            StackId: stack.stackId,
            StackName: stack.stackName,
            Description: stack.description,
            CreationTime: startedAt,
            StackStatus: STATUS,
            DisableRollback: false,
            EnableTerminationProtection: false,
            Capabilities: ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'],
            NotificationARNs: [],
            Parameters: Object.entries(stack.parameters).map(([key, value]) => ({
              ParameterKey: key,
              ParameterValue: value,
            })),
            Outputs: stack.outputs.map(({ key, value, exportName, description }) => ({
              OutputKey: key,
              OutputValue: value,
              Description: description,
              ExportName: exportName,
            })),
            Tags: [],
            DriftInformation: { StackDriftStatus: 'NOT_CHECKED' },
          })),
        }),
      },
      ListStacks: {
        handle: ({ StackStatusFilter }) => ({
          StackSummaries: stacks()
            .filter(() => !Array.isArray(StackStatusFilter) || StackStatusFilter.includes(STATUS))
            .map((stack) => ({
              StackId: stack.stackId,
              StackName: stack.stackName,
              TemplateDescription: stack.description,
              CreationTime: startedAt,
              StackStatus: STATUS,
              DriftInformation: { StackDriftStatus: 'NOT_CHECKED' },
            })),
        }),
      },
      DescribeStackResources: {
        resources: named,
        handle: (input) => {
          const stack = stackOf(input);
          const wanted = input.LogicalResourceId;
          const resources = wanted === undefined ? stack.resources : [resourceOf(stack, wanted)];
          return {
            StackResources: resources.map((resource) => ({
              ...describeResource(stack, resource),
              Timestamp: startedAt,
            })),
          };
        },
      },
      DescribeStackResource: {
        resources: named,
        handle: (input) => {
          const stack = stackOf(input);
          const resource = resourceOf(stack, input.LogicalResourceId);
          return {
            StackResourceDetail: {
              ...describeResource(stack, resource),
              LastUpdatedTimestamp: startedAt,
              Metadata: JSON.stringify({ 'aws:cdk:path': resource.constructPath }),
            },
          };
        },
      },
      ListStackResources: {
        resources: named,
        handle: (input) => {
          const stack = stackOf(input);
          return {
            StackResourceSummaries: stack.resources.map((resource) => {
              const { StackName: _name, StackId: _id, ...summary } = describeResource(stack, resource);
              return { ...summary, LastUpdatedTimestamp: startedAt };
            }),
          };
        },
      },
      GetTemplate: {
        resources: named,
        handle: (input) => ({
          TemplateBody: JSON.stringify(stackOf(input).template, null, 1),
          StagesAvailable: ['Original', 'Processed'],
        }),
      },
      ListExports: {
        handle: () => ({
          Exports: stacks().flatMap((stack) =>
            stack.outputs
              .filter(({ exportName }) => exportName !== undefined)
              .map(({ exportName, value }) => ({
                ExportingStackId: stack.stackId,
                Name: exportName,
                Value: value,
              })),
          ),
        }),
      },
    },
  };
}

/** Every stack is complete: a start that cannot provision everything does not come up. */
const STATUS = 'CREATE_COMPLETE';
