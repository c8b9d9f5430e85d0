import type { Caller, RuntimeContext } from '../services/service.ts';

export interface Assumption {
  /** Service principal that assumes the role, for example `textract.amazonaws.com`. */
  readonly service: string;
  readonly roleArn: string;
  readonly sessionName: string;
  /** The resource that the service acts for, where it names one. */
  readonly sourceArn?: string;
}

/**
 * A service takes on a role, if the role's trust policy lets it.
 * @throws AwsError `AccessDenied` as STS answers it
 */
export function assumeRole(
  context: Pick<RuntimeContext, 'account' | 'authorize'>,
  assumption: Assumption,
): Caller {
  const { service, roleArn, sessionName, sourceArn } = assumption;
  context.authorize({
    caller: { kind: 'service', service, ...(sourceArn !== undefined && { sourceArn }) },
    action: 'sts:AssumeRole',
    resource: roleArn,
    conditions: {
      'aws:SourceAccount': context.account,
      ...(sourceArn !== undefined && { 'aws:SourceArn': sourceArn }),
    },
  });
  return { kind: 'role', roleArn, sessionName };
}
