import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../json-file.ts';
import { flag, operation } from '../operation.ts';
import {
  AwsError,
  type LocalService,
  type Operations,
  type ResourceRequest,
  type RuntimeContext,
  type Shape,
} from '../service.ts';

const Parameter = z.object({
  name: z.string(),
  type: z.enum(['String', 'StringList', 'SecureString']).default('String'),
  value: z.string(),
  version: z.number(),
  modified: z.number(),
});
type Parameter = z.infer<typeof Parameter>;

const ParameterProperties = z.object({
  Name: z.string().optional(),
  Type: Parameter.shape.type,
  Value: z.string(),
});

/** SSM Parameter Store. Secure strings are not encrypted here. */
export function createSsm(context: RuntimeContext): LocalService {
  const file = new JsonFile(join(context.dataDir, 'ssm', 'parameters.json'), z.array(Parameter));
  const parameters = new Map(
    file.read()?.map((parameter): [string, Parameter] => [parameter.name, parameter]),
  );

  const arnOf = (name: string) =>
    `arn:aws:ssm:${context.region}:${context.account}:parameter${name.startsWith('/') ? '' : '/'}${name}`;
  const shown = ({ name, type, value, version, modified }: Parameter): Shape => ({
    Name: name,
    Type: type,
    Value: value,
    Version: version,
    LastModifiedDate: modified / 1000,
    ARN: arnOf(name),
    DataType: 'text',
  });

  function put(name: string, type: Parameter['type'], value: string): Parameter {
    const version = (parameters.get(name)?.version ?? 0) + 1;
    const parameter = { name, type, value, version, modified: context.clock.now() };
    parameters.set(name, parameter);
    file.write([...parameters.values()]);
    return parameter;
  }

  const operations: Operations = {
    GetParameter: operation(z.object({ Name: z.string() }), {
      resources: ({ Name }) => [arnOf(Name)],
      handle: ({ Name }) => {
        const parameter = parameters.get(Name);
        if (!parameter) throw new AwsError('ParameterNotFound', `Parameter ${Name} not found.`);
        return { Parameter: shown(parameter) };
      },
    }),
    GetParameters: operation(z.object({ Names: z.array(z.string()) }), {
      resources: ({ Names }) => Names.map(arnOf),
      handle: ({ Names }) => ({
        Parameters: Names.flatMap((name) => parameters.get(name) ?? []).map(shown),
        InvalidParameters: Names.filter((name) => !parameters.has(name)),
      }),
    }),
    GetParametersByPath: operation(z.object({ Path: z.string(), Recursive: flag.default(false) }), {
      resources: ({ Path }) => [arnOf(Path)],
      handle: ({ Path, Recursive }) => {
        const prefix = Path.endsWith('/') ? Path : `${Path}/`;
        return {
          Parameters: [...parameters.values()]
            .filter(({ name }) => name.startsWith(prefix))
            .filter(({ name }) => Recursive || !name.slice(prefix.length).includes('/'))
            .map(shown),
        };
      },
    }),
    PutParameter: operation(
      z.object({
        Name: z.string(),
        Value: z.string(),
        Type: Parameter.shape.type,
        Overwrite: flag.default(false),
      }),
      {
        resources: ({ Name }) => [arnOf(Name)],
        handle: ({ Name, Value, Type, Overwrite }) => {
          if (parameters.has(Name) && !Overwrite) {
            throw new AwsError(
              'ParameterAlreadyExists',
              'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
            );
          }
          return { Version: put(Name, Type, Value).version, Tier: 'Standard' };
        },
      },
    ),
    DeleteParameter: operation(z.object({ Name: z.string() }), {
      resources: ({ Name }) => [arnOf(Name)],
      handle: ({ Name }) => {
        if (!parameters.delete(Name)) throw new AwsError('ParameterNotFound', `Parameter ${Name} not found.`);
        file.write([...parameters.values()]);
        return {};
      },
    }),
  };

  return {
    signingNames: ['ssm'],
    iamPrefix: 'ssm',
    operations,
    resources: {
      'AWS::SSM::Parameter': ({ properties, generatedName }: ResourceRequest) => {
        const { Name = generatedName, Type, Value } = ParameterProperties.parse(properties);
        if (parameters.get(Name)?.value !== Value) put(Name, Type, Value);
        return { ref: Name, attributes: { Type, Value } };
      },
    },
  };
}
