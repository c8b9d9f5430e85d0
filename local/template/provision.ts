import type { Provision, ProvisionedResource, Shape } from '../services/service.ts';
import type { Assembly, StackArtifact, Template } from './assembly.ts';
import { mentions, NO_VALUE, resolve, type Scope, truth } from './intrinsics.ts';
import { generateName, generateStackId } from './names.ts';
import { inDependencyOrder } from './order.ts';

export interface ProvisionOptions {
  /** Twelve digits. */
  readonly account: string;
  readonly region: string;
  /** By CloudFormation resource type. */
  readonly provisioners: Readonly<Record<string, Provision>>;
  /** Values of template parameters in place of their defaults, by parameter name. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Values of SSM parameters that template parameters are read from, by SSM name. */
  readonly ssmParameters?: Readonly<Record<string, string>>;
}

export interface StackResource {
  readonly logicalId: string;
  /** What `Ref` returns. */
  readonly physicalId: string;
  readonly type: string;
  readonly constructPath: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface StackOutput {
  readonly key: string;
  readonly value: string;
  readonly exportName?: string;
  readonly description?: string;
}

export interface ProvisionedStack {
  readonly stackName: string;
  readonly stackId: string;
  readonly description?: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly resources: readonly StackResource[];
  readonly outputs: readonly StackOutput[];
  readonly template: Template;
}

/** In the order of deployment. */
export interface ProvisionedStacks {
  readonly stacks: readonly ProvisionedStack[];
}

/** The templates ask for what the local runtime does not have. The message lists everything, one line each. */
export class UnsupportedResource extends Error {
  override readonly name = 'UnsupportedResource';
}

/** The version the local account's bootstrap stack pretends to have; the CDK asks for at least 6. */
const BOOTSTRAP_VERSION = '30';

/** Written by the CDK for its own statistics. */
const SKIPPED_TYPES = new Set(['AWS::CDK::Metadata']);

/**
 * Makes the resources of every stack real, each after what it refers to. `Rules` are not evaluated.
 * @throws UnsupportedResource listing all unknown types, functions and references before anything is provisioned, and all
 * missing attributes after
 */
export async function provisionAssembly(
  assembly: Assembly,
  options: ProvisionOptions,
): Promise<ProvisionedStacks> {
  const byId = new Map(assembly.stacks.map((stack) => [stack.artifactId, stack]));
  const order = inDependencyOrder([...byId.keys()], (id) => byId.get(id)?.dependencies ?? []);
  const artifacts = order.flatMap((id) => byId.get(id) ?? []);

  throwIfAny(artifacts.flatMap((artifact) => unsupported(artifact, options.provisioners)));
  const stacks: ProvisionedStack[] = [];
  const problems: string[] = [];
  for (const artifact of artifacts) {
    stacks.push(await provisionStack(artifact, options, stacks, problems));
  }
  throwIfAny(problems);
  return { stacks };
}

function throwIfAny(problems: readonly string[]): void {
  if (problems.length > 0) throw new UnsupportedResource(problems.join('\n'));
}

/** One line for each type, function and name in the template that nothing here stands for. */
function unsupported(artifact: StackArtifact, provisioners: ProvisionOptions['provisioners']): string[] {
  const { template } = artifact;
  const known = new Set([...Object.keys(template.Resources), ...Object.keys(template.Parameters ?? {})]);
  const check = (where: string, value: unknown) => {
    const { names, unknown } = mentions(value);
    return [
      ...[...unknown].map((name) => `${where}: ${name} is not understood`),
      ...[...names]
        .filter((name) => !known.has(name) && !PSEUDO_PARAMETERS.has(name))
        .map((name) => `${where}: refers to ${name}, which the template does not define`),
    ];
  };
  return [
    ...Object.entries(template.Resources).flatMap(([logicalId, { Type, Properties }]) => {
      if (SKIPPED_TYPES.has(Type)) return [];
      const where = `${logicalId} (${artifact.constructPath(logicalId)})`;
      const missing = provisioners[Type] ? [] : [`${where}: ${Type} has no local stand-in`];
      return [...missing, ...check(where, Properties)];
    }),
    ...Object.entries(template.Outputs ?? {}).flatMap(([key, output]) =>
      check(`output ${key} of ${artifact.stackName}`, output),
    ),
    ...check(`conditions of ${artifact.stackName}`, template.Conditions),
  ];
}

async function provisionStack(
  artifact: StackArtifact,
  options: ProvisionOptions,
  earlier: readonly ProvisionedStack[],
  problems: string[],
): Promise<ProvisionedStack> {
  const { stackName, template } = artifact;
  const stackId = generateStackId(stackName, options.account, options.region);
  const parameters = parameterValues(artifact, options);
  const provisioned = new Map<string, ProvisionedResource>();
  const scope = stackScope({ artifact, stackId, options, earlier, parameters, provisioned });

  const wanted = Object.entries(template.Resources)
    .filter(
      ([, { Type, Condition }]) => !SKIPPED_TYPES.has(Type) && (!Condition || scope.condition(Condition)),
    )
    .map(([logicalId]) => logicalId);
  const dependencies = new Map(wanted.map((id) => [id, dependenciesOf(template, id, new Set(wanted))]));
  const order = inDependencyOrder(
    wanted,
    (id) => dependencies.get(id) ?? [],
    (id) => `${id} (${artifact.constructPath(id)})`,
  );

  const resources: StackResource[] = [];
  const failed = new Set<string>();
  for (const logicalId of order) {
    // What depends on a failed resource says nothing new.
    if (dependencies.get(logicalId)?.some((id) => failed.has(id))) {
      failed.add(logicalId);
      continue;
    }
    const { Type: type, Properties = {} } = template.Resources[logicalId] ?? { Type: '' };
    const constructPath = artifact.constructPath(logicalId);
    const properties = attempt(
      () => resolve(Properties, scope) as Shape,
      `${logicalId} (${constructPath})`,
      problems,
    );
    if (!properties) {
      failed.add(logicalId);
      continue;
    }
    const generatedName = generateName({ type, logicalId }, { stackName, stackId });
    const resource = await options.provisioners[type]?.({
      type,
      logicalId,
      constructPath,
      stackName,
      generatedName,
      properties,
    });
    if (!resource) continue;
    provisioned.set(logicalId, resource);
    resources.push({
      logicalId,
      physicalId: resource.ref,
      type,
      constructPath,
      attributes: resource.attributes,
    });
  }

  const outputs = Object.entries(template.Outputs ?? {})
    .filter(([, { Condition, Value }]) => {
      const missing = [...mentions(Value).names].some((name) => failed.has(name));
      return !missing && (!Condition || scope.condition(Condition));
    })
    .flatMap(([key, output]) => {
      const read = (): StackOutput => ({
        key,
        value: String(resolve(output.Value, scope)),
        ...(output.Export && { exportName: String(resolve(output.Export.Name, scope)) }),
        ...(output.Description && { description: output.Description }),
      });
      return attempt(read, `output ${key} of ${stackName}`, problems) ?? [];
    });
  return {
    stackName,
    stackId,
    ...(template.Description && { description: template.Description }),
    parameters,
    resources,
    outputs,
    template,
  };
}

function attempt<T>(action: () => T, where: string, problems: string[]): T | undefined {
  try {
    return action();
  } catch (error) {
    problems.push(`${where}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function dependenciesOf(template: Template, logicalId: string, wanted: ReadonlySet<string>): string[] {
  const { DependsOn = [], Properties } = template.Resources[logicalId] ?? {};
  return [...[DependsOn].flat(), ...mentions(Properties).names].filter((id) => wanted.has(id));
}

function parameterValues(artifact: StackArtifact, options: ProvisionOptions): Record<string, string> {
  return Object.fromEntries(
    Object.entries(artifact.template.Parameters ?? {}).map(([name, { Type, Default }]) => {
      const value = options.parameters?.[name] ?? Default;
      if (value === undefined) throw new Error(`Parameter ${name} of ${artifact.stackName} has no value`);
      return [
        name,
        Type.startsWith('AWS::SSM::Parameter::Value') ? ssmValue(String(value), options) : `${value}`,
      ];
    }),
  );
}

function ssmValue(name: string, options: ProvisionOptions): string {
  const value = options.ssmParameters?.[name];
  if (value !== undefined) return value;
  if (/^\/cdk-bootstrap\/[^/]+\/version$/.test(name)) return BOOTSTRAP_VERSION;
  throw new Error(`SSM parameter ${name} has no value`);
}

interface StackContext {
  readonly artifact: StackArtifact;
  readonly stackId: string;
  readonly options: ProvisionOptions;
  readonly earlier: readonly ProvisionedStack[];
  readonly parameters: Readonly<Record<string, string>>;
  readonly provisioned: ReadonlyMap<string, ProvisionedResource>;
}

const PSEUDO_PARAMETERS: ReadonlyMap<string, (context: StackContext) => unknown> = new Map([
  ['AWS::AccountId', ({ options }: StackContext): unknown => options.account],
  ['AWS::NoValue', () => NO_VALUE],
  ['AWS::NotificationARNs', () => []],
  ['AWS::Partition', () => 'aws'],
  ['AWS::Region', ({ options }) => options.region],
  ['AWS::StackId', ({ stackId }) => stackId],
  ['AWS::StackName', ({ artifact }) => artifact.stackName],
  ['AWS::URLSuffix', () => 'amazonaws.com'],
]);

function stackScope(context: StackContext): Scope {
  const { artifact, options, earlier, parameters, provisioned } = context;
  const { template } = artifact;
  const existing = (logicalId: string) => {
    const resource = provisioned.get(logicalId);
    if (!resource) throw new Error(`refers to ${logicalId}, which does not exist (its condition is false?)`);
    return resource;
  };
  const scope: Scope = {
    availabilityZones: ['a', 'b', 'c'].map((letter) => `${options.region}${letter}`),
    ref(name) {
      const pseudo = PSEUDO_PARAMETERS.get(name);
      return pseudo ? pseudo(context) : (parameters[name] ?? existing(name).ref);
    },
    getAtt(logicalId, attribute) {
      const value = existing(logicalId).attributes[attribute];
      if (value !== undefined) return value;
      const type = template.Resources[logicalId]?.Type;
      throw new Error(`the local stand-in of ${type} (${logicalId}) has no attribute ${attribute}`);
    },
    condition(name) {
      if (!Object.hasOwn(template.Conditions ?? {}, name)) throw new Error(`there is no condition ${name}`);
      return truth(template.Conditions?.[name], scope);
    },
    mapping(map, first, second) {
      const value = template.Mappings?.[map]?.[first]?.[second];
      if (value === undefined) throw new Error(`mapping ${map} has no ${first}.${second}`);
      return value;
    },
    importValue(name) {
      const output = earlier.flatMap((stack) => stack.outputs).find((o) => o.exportName === name);
      if (!output) throw new Error(`no earlier stack exports ${name}`);
      return output.value;
    },
    stackOutput(stackName, key) {
      const output = earlier.find((s) => s.stackName === stackName)?.outputs.find((o) => o.key === key);
      if (!output) throw new Error(`no earlier stack ${stackName} has an output ${key}`);
      return output.value;
    },
  };
  return scope;
}
