import { createHash } from 'node:crypto';

/**
 * Longest physical name by type, in characters, where it is below the default.
 * Source: quota page of each service.
 */
const LONGEST_NAME: Readonly<Record<string, number>> = {
  'AWS::S3::Bucket': 63,
  'AWS::RedshiftServerless::Namespace': 64,
  'AWS::RedshiftServerless::Workgroup': 64,
  'AWS::IAM::Role': 64,
  'AWS::Lambda::Function': 64,
  'AWS::Scheduler::Schedule': 64,
  'AWS::Events::Rule': 64,
  'AWS::SQS::Queue': 80,
  'AWS::StepFunctions::StateMachine': 80,
};
const LONGEST_OTHER_NAME = 255;

/** These services refuse upper-case letters; CloudFormation generates lower-case names for them. */
const LOWER_CASE = new Set([
  'AWS::S3::Bucket',
  'AWS::RedshiftServerless::Namespace',
  'AWS::RedshiftServerless::Workgroup',
]);

const SUFFIX_LENGTH = 12;

/**
 * The physical name of a resource that the template does not name: `<stack>-<logical id>-<12 hex digits>`, the first two
 * shortened where the type allows less.
 */
export function generateName(
  resource: { readonly type: string; readonly logicalId: string },
  stack: { readonly stackName: string; readonly stackId: string },
): string {
  const { type, logicalId } = resource;
  const suffix = sha256(`${stack.stackId}/${logicalId}`).slice(0, SUFFIX_LENGTH);
  const room = (LONGEST_NAME[type] ?? LONGEST_OTHER_NAME) - SUFFIX_LENGTH - 2;
  const half = Math.floor(room / 2);
  const stackPart = stack.stackName.slice(0, Math.max(half, room - logicalId.length));
  const name = `${stackPart}-${logicalId.slice(0, room - stackPart.length)}-${suffix}`;
  return LOWER_CASE.has(type) ? name.toLowerCase() : name;
}

/** A stack's ARN, the same at every start. */
export function generateStackId(stackName: string, account: string, region: string): string {
  const hex = sha256(`${account}/${region}/${stackName}`);
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)];
  return `arn:aws:cloudformation:${region}:${account}:stack/${stackName}/${uuid.join('-')}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
