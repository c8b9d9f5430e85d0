import { GetTopicAttributesCommand, SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import type { TestRuntime } from '../support/runtime.ts';

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const Statement = z.looseObject({
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMore,
  Resource: oneOrMore,
});
const Policy = z.looseObject({ Statement: z.array(Statement) });
type Policy = z.output<typeof Policy>;
type Statement = z.output<typeof Statement>;

const Services = z.object({ Service: oneOrMore });
/** The event source that a service's permission is for. */
const ForSource = z.object({ ArnEquals: z.object({ 'aws:SourceArn': z.string() }) });

/** One action that a policy allows on one resource. */
export interface Grant {
  /**
   * Who is allowed: the path of the construct that the role belongs to, or the service that a queue's or topic's policy
   * names, with what it may do it for: `events.amazonaws.com for HelpDesk/Look`.
   */
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  /** How a refusal names who asked. */
  readonly principal: string;
  /** `<actor> <action> <resource>`, with the paths of constructs in place of names and without account and region. */
  readonly name: string;
  /** Takes the grant away until the returned function gives it back. */
  remove(): Promise<() => Promise<void>>;
}

/** A policy of the deployment that can be replaced. */
interface Holder {
  readonly actor: (statement: Statement) => string;
  readonly principal: (statement: Statement) => string;
  readonly policy: Policy;
  replace(policy: Policy): Promise<void>;
}

const ADMINISTRATOR = { kind: 'administrator' } as const;

/** Every grant of the roles, queues and topics of a deployment, as its resolved policies hold it. */
export async function grantsOf(test: TestRuntime): Promise<Grant[]> {
  const named = namesOf(test);
  const holders = [
    ...(await rolePolicies(test)),
    ...(await queuePolicies(test, named)),
    ...(await topicPolicies(test, named)),
  ];
  return holders.flatMap((holder) => {
    const removed = new Set<string>();
    const replace = () => holder.replace(without(holder.policy, removed));
    return holder.policy.Statement.flatMap((statement, index) => {
      if (statement.Effect === 'Deny') return [];
      const actor = holder.actor(statement);
      return statement.Action.flatMap((action) =>
        statement.Resource.map(
          (resource): Grant => ({
            actor,
            action,
            resource,
            principal: holder.principal(statement),
            name: `${actor} ${action} ${named(resource)}`,
            async remove() {
              removed.add(pairOf(index, action, resource));
              await replace();
              return async () => {
                removed.delete(pairOf(index, action, resource));
                await replace();
              };
            },
          }),
        ),
      );
    });
  });
}

/** The policy, less the pairs of action and resource that were removed from its statements. */
function without(policy: Policy, removed: ReadonlySet<string>): Policy {
  const Statement = policy.Statement.flatMap((statement, index) =>
    statement.Effect === 'Deny'
      ? [statement]
      : statement.Action.flatMap((action) =>
          statement.Resource.filter((resource) => !removed.has(pairOf(index, action, resource))).map(
            (resource) => ({ ...statement, Action: [action], Resource: [resource] }),
          ),
        ),
  );
  return { ...policy, Statement };
}

const pairOf = (statement: number, action: string, resource: string) => `${statement} ${action} ${resource}`;

async function rolePolicies(test: TestRuntime): Promise<Holder[]> {
  const { context } = test.runtime;
  const holders = ofType(test, 'AWS::IAM::Role').map(async ({ physicalId, constructPath, attributes }) => {
    const ask = (operation: string, input: Record<string, string>) =>
      context.call('iam', operation, { RoleName: physicalId, ...input }, ADMINISTRATOR);
    const { PolicyNames } = z
      .object({ PolicyNames: z.array(z.string()) })
      .parse(await ask('ListRolePolicies', {}));
    return Promise.all(
      PolicyNames.map(async (PolicyName): Promise<Holder> => {
        const { PolicyDocument } = await ask('GetRolePolicy', { PolicyName });
        return {
          actor: () => pathOf(constructPath).replace(/\/Role$/, ''),
          principal: () => `:assumed-role/${physicalId}/`,
          policy: Policy.parse(JSON.parse(decodeURIComponent(String(PolicyDocument)))),
          // The local IAM has no PutRolePolicy, so the policy goes where a deployment would put it.
          replace: async (policy) =>
            context.policies.setRolePolicy(String(attributes.Arn), PolicyName, policy),
        };
      }),
    );
  });
  return (await Promise.all(holders)).flat();
}

/** Policies of resources, whose principals are services. */
function ofServices(named: (arn: string) => string): Pick<Holder, 'actor' | 'principal'> {
  const principal = ({ Principal }: Statement) => Services.parse(Principal).Service.join();
  return {
    principal,
    actor(statement) {
      const { data } = ForSource.safeParse(statement.Condition);
      const source = data && named(data.ArnEquals['aws:SourceArn']).replace(/^.*[:]rule\/|^\w+:/, '');
      return source ? `${principal(statement)} for ${source}` : principal(statement);
    },
  };
}

/** A policy with a statement for each service that one of its statements allows something. */
function byService(text = '{"Statement":[]}'): Policy {
  const policy = Policy.parse(JSON.parse(text));
  const Statement = policy.Statement.flatMap((statement) => {
    const { data } = Services.safeParse(statement.Principal);
    return data ? data.Service.map((Service) => ({ ...statement, Principal: { Service } })) : [statement];
  });
  return { ...policy, Statement };
}

const ofType = (test: TestRuntime, wanted: string) =>
  test.runtime.stacks.stacks.flatMap(({ resources }) => resources).filter(({ type }) => type === wanted);

async function queuePolicies(test: TestRuntime, named: (arn: string) => string): Promise<Holder[]> {
  const sqs = new SQSClient(test.client);
  const holders = ofType(test, 'AWS::SQS::Queue').map(async ({ physicalId: QueueUrl }): Promise<Holder> => {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Policy'] }),
    );
    return {
      ...ofServices(named),
      policy: byService(Attributes?.Policy),
      replace: async (policy) => {
        const Attributes = { Policy: JSON.stringify(policy) };
        await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
      },
    };
  });
  return Promise.all(holders);
}

async function topicPolicies(test: TestRuntime, named: (arn: string) => string): Promise<Holder[]> {
  const sns = new SNSClient(test.client);
  const holders = ofType(test, 'AWS::SNS::Topic').map(async ({ physicalId: TopicArn }): Promise<Holder> => {
    const { Attributes } = await sns.send(new GetTopicAttributesCommand({ TopicArn }));
    return {
      ...ofServices(named),
      policy: byService(Attributes?.Policy),
      replace: async (policy) => {
        const AttributeValue = JSON.stringify(policy);
        await sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: 'Policy', AttributeValue }));
      },
    };
  });
  return Promise.all(holders);
}

/** Path of a construct without the stack's name. */
export const pathOf = (constructPath: string): string => constructPath.split('/').slice(1, -1).join('/');

/** Shows ARNs with paths of constructs, which stay the same from deployment to deployment. */
function namesOf(test: TestRuntime): (arn: string) => string {
  const names = test.runtime.stacks.stacks
    .flatMap(({ resources }) => resources)
    .flatMap(({ physicalId, attributes, constructPath }) =>
      [physicalId, attributes.Arn, attributes.Name].map((value): [string, string] => [
        String(value ?? '')
          .split(/[:/]/)
          .at(-1) ?? '',
        pathOf(constructPath),
      ]),
    )
    .filter(([name]) => name.length > 12)
    .sort(([a], [b]) => b.length - a.length);
  return (arn) => {
    const [name, path] = names.find(([known]) => arn.includes(known)) ?? ['', ''];
    return arn.replace(name, path).replace(/^arn:aws:([^:]*):[^:]*:\d*:/, '$1:');
  };
}
