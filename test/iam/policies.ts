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

/** One action that a policy allows on one resource. */
export interface Grant {
  /** Who is allowed: the path of the construct that the role belongs to, or the principal of a queue's policy. */
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
  readonly principal: (actor: string) => string;
  readonly policy: Policy;
  replace(policy: Policy): Promise<void>;
}

const ADMINISTRATOR = { kind: 'administrator' } as const;

/** Every grant of the roles and queues of a deployment, as its resolved policies hold it. */
export async function grantsOf(test: TestRuntime): Promise<Grant[]> {
  const named = namesOf(test);
  const holders = [...(await rolePolicies(test)), ...(await queuePolicies(test))];
  return holders.flatMap((holder) =>
    holder.policy.Statement.filter(({ Effect }) => Effect === 'Allow').flatMap((statement) =>
      statement.Action.flatMap((action) =>
        statement.Resource.map((resource): Grant => {
          const actor = holder.actor(statement);
          return {
            actor,
            action,
            resource,
            principal: holder.principal(actor),
            name: `${actor} ${action} ${named(resource)}`,
            async remove() {
              await holder.replace(without(holder.policy, statement, action, resource));
              return () => holder.replace(holder.policy);
            },
          };
        }),
      ),
    ),
  );
}

/** The policy less one action on one resource of one of its statements. */
function without(policy: Policy, from: Statement, action: string, resource: string): Policy {
  const Statement = policy.Statement.flatMap((statement) => {
    if (statement !== from) return [statement];
    const Action = statement.Action.filter((other) => other !== action);
    const Resource = statement.Resource.filter((other) => other !== resource);
    return [
      ...(Action.length > 0 ? [{ ...statement, Action }] : []),
      ...(Resource.length > 0 ? [{ ...statement, Action: [action], Resource }] : []),
    ];
  });
  return { ...policy, Statement };
}

async function rolePolicies(test: TestRuntime): Promise<Holder[]> {
  const { context, stacks } = test.runtime;
  const roles = stacks.stacks
    .flatMap(({ resources }) => resources)
    .filter(({ type }) => type === 'AWS::IAM::Role');
  const holders = roles.map(async ({ physicalId, constructPath, attributes }) => {
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

async function queuePolicies(test: TestRuntime): Promise<Holder[]> {
  const sqs = new SQSClient(test.client);
  const queues = test.runtime.stacks.stacks
    .flatMap(({ resources }) => resources)
    .filter(({ type }) => type === 'AWS::SQS::Queue');
  const holders = queues.map(async ({ physicalId: QueueUrl }): Promise<Holder> => {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Policy'] }),
    );
    return {
      principal: (actor) => actor,
      actor: ({ Principal }) => z.object({ Service: z.string() }).parse(Principal).Service,
      policy: Policy.parse(JSON.parse(Attributes?.Policy ?? '{"Statement":[]}')),
      replace: async (policy) => {
        const Attributes = { Policy: JSON.stringify(policy) };
        await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
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
