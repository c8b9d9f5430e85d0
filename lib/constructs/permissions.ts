import { Reference, Stack, Tokenization, Validations } from 'aws-cdk-lib';
import { type IGrantable, type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/** One thing that a role may do. */
export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Why a resource holds a wildcard; required when one does, because a reviewer will ask. */
  readonly wildcardReason?: string;
}

/** Something with a role of its own. */
export interface Actor extends IGrantable {
  readonly role: IRole;
}

/**
 * Adds a permission to a role and acknowledges its wildcards for cdk-nag, each by its exact text.
 * @throws Error when a resource has a wildcard and no reason is given
 */
export function permit({ role }: Actor, permission: Permission): void {
  const { actions, resources, conditions, wildcardReason } = permission;
  role.addToPrincipalPolicy(
    new PolicyStatement({ actions: [...actions], resources: [...resources], conditions: { ...conditions } }),
  );
  const wildcards = resources.filter((resource) => resource.includes('*'));
  if (wildcards.length === 0) return;
  if (!wildcardReason)
    throw new Error(`${role.node.path}: ${actions.join(', ')} on a wildcard wants a reason`);
  acknowledgeWildcards(role, wildcards, wildcardReason);
}

/** Acknowledges wildcard resources in the policies below `scope`. */
export function acknowledgeWildcards(scope: IConstruct, resources: readonly string[], reason: string): void {
  const stack = Stack.of(scope);
  Validations.of(scope).acknowledge(
    ...resources.map((resource) => ({
      id: `AwsSolutions-IAM5[Resource::${finding(stack, resource)}]`,
      reason,
    })),
  );
}

/** How cdk-nag writes a resource: references as `<LogicalId.Attribute>`, imported values as the name of the export. */
function finding(stack: Stack, resource: string): string {
  const flattened = Tokenization.reverseString(resource).mapTokens({
    mapToken(token) {
      const imported =
        Reference.isReference(token) && Stack.of(token.target) !== stack
          ? Stack.of(token.target).exportValue(token)
          : token;
      return flatten(stack.resolve(imported));
    },
  });
  return flattened.join({ join: (left: unknown, right: unknown) => `${left ?? ''}${right ?? ''}` });
}

function flatten(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(flatten).join('');
  const [name, argument] = Object.entries(value ?? {})[0] ?? [];
  const flatteners: Record<string, () => string> = {
    Ref: () => `<${argument}>`,
    'Fn::GetAtt': () => `<${[argument].flat().join('.')}>`,
    'Fn::ImportValue': () => String(argument),
    'Fn::Join': () => {
      const [delimiter, parts] = argument;
      return parts.map(flatten).join(delimiter);
    },
  };
  return flatteners[name ?? '']?.() ?? JSON.stringify(value);
}
