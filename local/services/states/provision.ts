import { z } from 'zod';
import { assumeRole } from '../../iam/assume-role.ts';
import { AwsError, type Provision, type RuntimeContext } from '../service.ts';
import { arnMaker } from './arns.ts';
import { type Machines, NO_LOGGING } from './machines.ts';
import type { Store } from './store.ts';

const flag = z.union([z.boolean(), z.enum(['true', 'false'])]).transform((value) => String(value) === 'true');

/** AWS::StepFunctions::StateMachine, as CloudFormation's resource reference describes it. */
const Properties = z.object({
  StateMachineName: z.string().optional(),
  StateMachineType: z.enum(['STANDARD', 'EXPRESS']).default('STANDARD'),
  RoleArn: z.string(),
  DefinitionString: z.string().optional(),
  Definition: z.record(z.string(), z.unknown()).optional(),
  DefinitionS3Location: z
    .object({ Bucket: z.string(), Key: z.string(), Version: z.string().optional() })
    .optional(),
  DefinitionSubstitutions: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  LoggingConfiguration: z
    .object({
      Level: z.enum(['ALL', 'ERROR', 'FATAL', 'OFF']).default('OFF'),
      IncludeExecutionData: flag.default(false),
      Destinations: z
        .array(z.object({ CloudWatchLogsLogGroup: z.object({ LogGroupArn: z.string() }) }))
        .default([]),
    })
    .optional(),
  TracingConfiguration: z.object({ Enabled: flag.default(false) }).optional(),
  Tags: z.array(z.object({ Key: z.string(), Value: z.string() })).default([]),
});

const PLACEHOLDER = /\$\{([A-Za-z0-9_]+)\}/g;
const MAX_NAME = 80;

/** Replaces `${name}`; a placeholder without a value, or a value without a placeholder, is an error. */
export function substitute(
  definition: string,
  substitutions: Readonly<Record<string, string | number | boolean>>,
  constructPath: string,
): string {
  const used = new Set<string>();
  const result = definition.replace(PLACEHOLDER, (_placeholder, name: string) => {
    const value = substitutions[name];
    if (value === undefined)
      throw new Error(
        `${constructPath}: the definition has \${${name}}, but DefinitionSubstitutions has no '${name}'`,
      );
    used.add(name);
    return JSON.stringify(String(value)).slice(1, -1);
  });
  const unused = Object.keys(substitutions).filter((name) => !used.has(name));
  if (unused.length)
    throw new Error(
      `${constructPath}: DefinitionSubstitutions not used by the definition: ${unused.join(', ')}`,
    );
  return result;
}

/** Provisions AWS::StepFunctions::StateMachine. */
export function provisionMachine(runtime: RuntimeContext, store: Store, machines: Machines): Provision {
  const arns = arnMaker(runtime.region, runtime.account);
  return async ({ properties, generatedName, constructPath }) => {
    const parsed = Properties.safeParse(properties);
    if (!parsed.success) throw new Error(`${constructPath}: ${z.prettifyError(parsed.error)}`);
    const { data } = parsed;
    const name = data.StateMachineName ?? shortened(generatedName);
    const { LoggingConfiguration: log } = data;
    const definition = substitute(
      await definitionText(runtime, data, constructPath),
      data.DefinitionSubstitutions,
      constructPath,
    );
    const arn = arns.machine(name);
    // CloudFormation fails here too when the role does not trust Step Functions.
    assumeRole(runtime, {
      service: 'states.amazonaws.com',
      roleArn: data.RoleArn,
      sessionName: name,
      sourceArn: arn,
    });
    try {
      const row = machines.put(
        arn,
        {
          name,
          type: data.StateMachineType,
          roleArn: data.RoleArn,
          definition,
          logging: log
            ? {
                level: log.Level,
                includeExecutionData: log.IncludeExecutionData,
                destinations: log.Destinations.map(({ CloudWatchLogsLogGroup: { LogGroupArn } }) => ({
                  cloudWatchLogsLogGroup: { logGroupArn: LogGroupArn },
                })),
              }
            : NO_LOGGING,
          tracing: data.TracingConfiguration?.Enabled ?? false,
          tags: Object.fromEntries(data.Tags.map((tag) => [tag.Key, tag.Value])),
        },
        runtime.clock.now(),
      );
      await store.committed();
      return { ref: arn, attributes: { Arn: arn, Name: name, StateMachineRevisionId: row.revision } };
    } catch (error) {
      if (error instanceof AwsError) throw new Error(`${constructPath}: ${error.message}`, { cause: error });
      throw error;
    }
  };
}

/** Keeps the unique end of a generated name that is too long. */
const shortened = (name: string): string => {
  if (name.length <= MAX_NAME) return name;
  const end = name.slice(-13);
  return `${name.slice(0, MAX_NAME - end.length)}${end}`;
};

async function definitionText(
  runtime: RuntimeContext,
  { DefinitionString, Definition, DefinitionS3Location: location }: z.output<typeof Properties>,
  constructPath: string,
): Promise<string> {
  if (DefinitionString !== undefined) return DefinitionString;
  if (Definition) return JSON.stringify(Definition);
  if (!location)
    throw new Error(
      `${constructPath}: one of DefinitionString, Definition and DefinitionS3Location is needed`,
    );
  const { Body } = await runtime.call(
    's3',
    'GetObject',
    { Bucket: location.Bucket, Key: location.Key, ...(location.Version && { VersionId: location.Version }) },
    { kind: 'administrator' },
  );
  return Body instanceof Uint8Array ? Buffer.from(Body).toString('utf8') : String(Body);
}
