import { z } from 'zod';
import { AwsError, type ResourceRequest, type RuntimeContext, type Shape } from '../service.ts';
import { functionArn, functionName } from './function.ts';

const properties = z.object({
  Action: z.string(),
  FunctionName: z.string(),
  Principal: z.string(),
  SourceArn: z.string().optional(),
  SourceAccount: z.string().optional(),
});

/** The resource policies of functions, made up of the statements that `AWS::Lambda::Permission` resources add. */
export class Permissions {
  readonly #context: RuntimeContext;
  /** By function ARN, then by statement id. */
  readonly #statements = new Map<string, Map<string, Shape>>();

  constructor(context: RuntimeContext) {
    this.#context = context;
  }

  add(resource: ResourceRequest): string {
    const given = properties.parse(resource.properties);
    const arn = functionArn(this.#context, functionName(given.FunctionName));
    const statements = this.#statements.get(arn) ?? new Map<string, Shape>();
    this.#statements.set(arn, statements);
    statements.set(resource.generatedName, {
      Sid: resource.generatedName,
      Effect: 'Allow',
      Principal: principal(given.Principal),
      Action: given.Action,
      Resource: arn,
      ...conditions(given),
    });
    this.#context.policies.setResourcePolicy(arn, policy(statements));
    return resource.generatedName;
  }

  /** @throws AwsError `ResourceNotFoundException` when the function has no policy */
  policyOf(arn: string): Shape {
    const statements = this.#statements.get(arn);
    if (!statements) {
      throw new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.', {
        status: 404,
      });
    }
    return policy(statements);
  }
}

function policy(statements: ReadonlyMap<string, Shape>): Shape {
  return { Version: '2012-10-17', Id: 'default', Statement: [...statements.values()] };
}

function principal(name: string): Shape | string {
  if (name === '*') return name;
  if (name.endsWith('.amazonaws.com')) return { Service: name };
  return { AWS: /^\d{12}$/.test(name) ? `arn:aws:iam::${name}:root` : name };
}

function conditions({ SourceArn, SourceAccount }: z.infer<typeof properties>): Shape {
  const all = {
    ...(SourceAccount && { StringEquals: { 'AWS:SourceAccount': SourceAccount } }),
    ...(SourceArn && { ArnLike: { 'AWS:SourceArn': SourceArn } }),
  };
  return Object.keys(all).length > 0 ? { Condition: all } : {};
}
