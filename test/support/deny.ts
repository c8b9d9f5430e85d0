import assert from 'node:assert/strict';
import type { TestRuntime } from './runtime.ts';

/**
 * Denies a role an action until the returned function allows it again.
 * @param rolePath part of the construct path of one role
 */
export function deny(
  { runtime: { context, stacks } }: TestRuntime,
  rolePath: string,
  action: string,
): () => void {
  const roles = stacks.stacks
    .flatMap(({ resources }) => resources)
    .filter(({ type, constructPath }) => type === 'AWS::IAM::Role' && constructPath.includes(rolePath));
  const [role] = roles;
  assert.ok(role && roles.length === 1, `${roles.length} roles are at ${rolePath}`);
  const arn = `arn:aws:iam::${context.account}:role/${role.physicalId}`;
  const policy = (Statement: object[]) =>
    context.policies.setRolePolicy(arn, 'denied-by-test', { Version: '2012-10-17', Statement });
  policy([{ Effect: 'Deny', Action: action, Resource: '*' }]);
  return () => policy([]);
}
