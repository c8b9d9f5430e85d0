import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArnFormat, CfnResource, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  type IGrantable,
  type IPrincipal,
  Policy,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import {
  DefinitionBody,
  LogLevel,
  StateMachineType,
  StateMachine as StepFunctionsStateMachine,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { PROJECT_ROOT } from './bundle.ts';
import type { NodeFunction } from './node-function.ts';
import { acknowledgeWildcards, type Permission, permit } from './permissions.ts';

/** StartExecution takes definitions of at most 1 MB (Step Functions quotas). */
const MAX_DEFINITION_BYTES = 1_000_000;
const PLACEHOLDER = /\$\{([A-Za-z]\w*)\}/g;

/** A state machine's file is wrong or does not fit its substitutions. */
export class InvalidDefinition extends Error {
  override readonly name = 'InvalidDefinition';
}

export interface StateMachineProps {
  readonly config: Config;
  readonly pipeline: string;
  /** Its definition is `statemachines/<definition>.asl.json`. @default pipeline */
  readonly definition?: string;
  /** A value for each `${Placeholder}` of the definition, no more and no fewer. */
  readonly substitutions: Readonly<Record<string, string>>;
  /** Functions that it invokes. */
  readonly invokes?: readonly NodeFunction[];
  /** Queues that it sends to. */
  readonly sends?: readonly IQueue[];
  /** State machines that it starts and waits for (`startExecution.sync:2`). */
  readonly starts?: readonly StateMachine[];
  /** Labels of its distributed Map states. */
  readonly distributedMaps?: readonly string[];
  /** Whether an execution may start another one that goes on for it. */
  readonly startsItself?: boolean;
  /** Permissions for its SDK integrations. */
  readonly permissions?: readonly Permission[];
}

/**
 * A Standard state machine from a file. Neither file nor text gives the CDK a hint of what it calls, so that every
 * permission is a property here.
 */
export class StateMachine extends Construct implements IGrantable {
  readonly pipeline: string;
  readonly role: Role;
  readonly grantPrincipal: IPrincipal;
  readonly #stateMachine: StepFunctionsStateMachine;

  constructor(scope: Construct, id: string, props: StateMachineProps) {
    super(scope, id);
    const { config, pipeline, definition: name = pipeline, substitutions } = props;
    const file = `statemachines/${name}.asl.json`;
    const definition = readFileSync(join(PROJECT_ROOT, file), 'utf8');
    checkDefinition(file, definition, Object.keys(substitutions));

    this.pipeline = pipeline;
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
    this.grantPrincipal = this.role;
    this.#stateMachine = new StepFunctionsStateMachine(this, 'StateMachine', {
      comment: `Millrace: ${pipeline}`,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromString(definition),
      definitionSubstitutions: { ...substitutions },
      role: this.role,
      tracingEnabled: true,
      logs: {
        destination: this.#logGroup(config),
        // Every event, so that an execution can be followed after its history is gone, but none of its data: the
        // history has that for 90 days, where access to it is an IAM question of its own.
        level: LogLevel.ALL,
        includeExecutionData: false,
      },
    });
    if (CfnResource.isCfnResource(this.#stateMachine.node.defaultChild)) {
      // cfn-lint's schema knows no JSONata expression for TimeoutSeconds, which the Amazon States Language allows.
      this.#stateMachine.node.defaultChild.addMetadata('cfn-lint', { config: { ignore_checks: ['E3601'] } });
    }
    acknowledgeWildcards(
      this.role,
      ['*'],
      'Log deliveries and X-Ray have no resources, nor have statements of the Redshift Data API: they can only be allowed on all.',
    );
    for (const permission of this.#permissions(props)) permit(this, permission);
    if (props.distributedMaps) this.#runMaps(props.distributedMaps);
    if (props.startsItself) {
      // In a policy of its own, because it names what waits for the role's policy.
      new Policy(this, 'Continuation', {
        roles: [this.role],
        statements: [new PolicyStatement({ actions: ['states:StartExecution'], resources: [this.arn] })],
      });
    }
  }

  get arn(): string {
    return this.#stateMachine.stateMachineArn;
  }

  /** Lets a function start executions. */
  grantStart(fn: NodeFunction): void {
    fn.permit({ actions: ['states:StartExecution'], resources: [this.arn] });
  }

  /** Lets a function list executions. */
  grantList(fn: NodeFunction): void {
    fn.permit({ actions: ['states:ListExecutions'], resources: [this.arn] });
  }

  /** Lets a function describe executions. */
  grantDescribe(fn: NodeFunction): void {
    fn.permit({
      actions: ['states:DescribeExecution'],
      resources: [this.executions],
      wildcardReason: `Describes executions of ${this.pipeline}: each has a name of its own.`,
    });
  }

  /**
   * Lets a function that it invokes describe its executions. In a policy of its own, because the function's own comes
   * before the state machine that invokes it.
   */
  grantDescribeBack(fn: NodeFunction): void {
    const policy = new Policy(fn, 'DescribePolicy', {
      roles: [fn.role],
      statements: [
        new PolicyStatement({ actions: ['states:DescribeExecution'], resources: [this.executions] }),
      ],
    });
    acknowledgeWildcards(
      policy,
      [this.executions],
      `Describes executions of ${this.pipeline}: each has a name of its own.`,
    );
  }

  /** Lets a function answer tasks that wait with a token. */
  grantAnswer(fn: NodeFunction): void {
    fn.permit({ actions: ['states:SendTaskSuccess', 'states:SendTaskFailure'], resources: [this.arn] });
  }

  /** Lets a function tell that a task is alive, though its answer is far. */
  grantHeartbeat(fn: NodeFunction): void {
    fn.permit({ actions: ['states:SendTaskHeartbeat'], resources: [this.arn] });
  }

  /** ARN pattern of its executions. */
  get executions(): string {
    return this.#executionsOf(this.#stateMachine.stateMachineName);
  }

  #executionsOf(name: string): string {
    return Stack.of(this).formatArn({
      service: 'states',
      resource: 'execution',
      resourceName: `${name}:*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }

  /**
   * What a distributed Map's runs need (developer guide, "IAM policies for using Distributed Map states"): children are
   * executions of the state machine itself. In a policy of its own, because it names what waits for the role's policy.
   */
  #runMaps(labels: readonly string[]): void {
    const children = labels.map((label) =>
      this.#executionsOf(`${this.#stateMachine.stateMachineName}/${label}`),
    );
    const policy = new Policy(this, 'MapRuns', {
      roles: [this.role],
      statements: [
        new PolicyStatement({ actions: ['states:StartExecution'], resources: [this.arn] }),
        new PolicyStatement({
          actions: ['states:DescribeExecution', 'states:StopExecution'],
          resources: [this.executions],
        }),
        new PolicyStatement({ actions: ['states:RedriveExecution'], resources: children }),
      ],
    });
    acknowledgeWildcards(
      policy,
      [this.executions, ...children],
      `The Map Runs of ${this.pipeline} look after their child executions: each has a name of its own.`,
    );
  }

  /**
   * Step Functions adds each log group to one resource policy of the account, which is full after about ten unless
   * their names start with `/aws/vendedlogs/`. The end of the stack's id keeps the name free when the stack is made anew.
   */
  #logGroup(config: Config): LogGroup {
    const { stackId, stackName } = Stack.of(this);
    return new LogGroup(this, 'Logs', {
      logGroupName: `/aws/vendedlogs/states/${stackName}/${this.pipeline}-${Fn.select(2, Fn.split('/', stackId))}`,
      retention: config.retention.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  #permissions({ invokes = [], sends = [], starts = [], permissions = [] }: StateMachineProps): Permission[] {
    const syncRule = Stack.of(this).formatArn({
      service: 'events',
      resource: 'rule',
      resourceName: 'StepFunctionsGetEventsForStepFunctionsExecutionRule',
    });
    return [
      ...invokes.map((fn) => ({ actions: ['lambda:InvokeFunction'], resources: [fn.functionArn] })),
      ...sends.map((queue) => ({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] })),
      ...starts.flatMap((child) => [
        { actions: ['states:StartExecution'], resources: [child.arn] },
        {
          actions: ['states:DescribeExecution', 'states:StopExecution'],
          resources: [child.executions],
          wildcardReason: `Waits for executions of ${child.pipeline}: each has a name of its own.`,
        },
        // Step Functions' own rule, by which it learns that a child ended.
        { actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'], resources: [syncRule] },
      ]),
      ...permissions,
    ];
  }
}

/**
 * Checks that a definition is JSON of a size that Step Functions takes, with exactly the given placeholders.
 * @throws InvalidDefinition naming file and placeholders
 */
export function checkDefinition(file: string, definition: string, substitutions: readonly string[]): void {
  const bytes = Buffer.byteLength(definition);
  if (bytes > MAX_DEFINITION_BYTES) {
    throw new InvalidDefinition(`${file} has ${bytes} bytes; Step Functions takes ${MAX_DEFINITION_BYTES}`);
  }
  try {
    JSON.parse(definition);
  } catch (cause) {
    throw new InvalidDefinition(`${file} is not JSON: ${cause}`, { cause });
  }
  const used = new Set([...definition.matchAll(PLACEHOLDER)].map(([, name = '']) => name));
  const given = new Set(substitutions);
  const problems = [
    { names: used.difference(given), problem: 'no substitution is given for' },
    { names: given.difference(used), problem: 'the definition does not use' },
  ].filter(({ names }) => names.size > 0);
  if (problems.length > 0) {
    throw new InvalidDefinition(
      `${file}: ${problems.map(({ names, problem }) => `${problem} ${[...names].join(', ')}`).join('; ')}`,
    );
  }
}
