import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CfnResource, type Duration, RemovalPolicy, Tokenization } from 'aws-cdk-lib';
import { type IGrantable, type IPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type ENV, METRICS_NAMESPACE } from '../../lambdas/shared/contract.ts';
import type { Config } from '../config.ts';
import { bundleOf } from './bundle.ts';
import { acknowledgeWildcards, type Permission, permit } from './permissions.ts';

export interface NodeFunctionProps {
  readonly config: Config;
  /** File that exports `handler`, from the project's root. */
  readonly entry: string;
  /** Name of the pipeline, in logs and metrics. */
  readonly pipeline: string;
  readonly description: string;
  readonly timeout: Duration;
  /** MB. @default 512 */
  readonly memory?: number;
}

/** A Node.js function with a role, a log group and a bundle of its own. */
export class NodeFunction extends Construct implements IGrantable {
  readonly function: LambdaFunction;
  readonly role: Role;
  readonly grantPrincipal: IPrincipal;
  readonly timeout: Duration;
  readonly #variables = new Map<string, string>();

  constructor(scope: Construct, id: string, props: NodeFunctionProps) {
    super(scope, id);
    const { config, entry, pipeline } = props;
    const bundle = bundleOf(entry);
    const code = folderOf(bundle.files);
    this.timeout = props.timeout;
    this.node.addValidation({ validate: () => this.#checkVariables() });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.grantPrincipal = this.role;
    const logGroup = new LogGroup(this, 'Logs', {
      retention: config.retention.logDays,
      // What happened to a file is in the audit table; logs go with the code that wrote them.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    logGroup.grantWrite(this.role);
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(code),
      handler: 'index.handler',
      timeout: props.timeout,
      memorySize: props.memory ?? 512,
      role: this.role,
      logGroup,
      tracing: Tracing.ACTIVE,
      environment: {
        NODE_OPTIONS: '--enable-source-maps',
        POWERTOOLS_SERVICE_NAME: pipeline,
        POWERTOOLS_METRICS_NAMESPACE: METRICS_NAMESPACE,
        POWERTOOLS_LOG_LEVEL: config.logLevel,
      },
    });
    // The asset was copied when the function was made.
    rmSync(code, { recursive: true });
    acknowledgeWildcards(
      this.role,
      ['*'],
      'X-Ray has no resources: sending traces can only be allowed on all.',
    );
    if (CfnResource.isCfnResource(this.function.node.defaultChild)) {
      // Says in the template which file a function is; the benchmark reads it.
      this.function.node.defaultChild.addMetadata('millrace:bundle', { entry, bytes: bundle.bytes });
    }
  }

  get functionArn(): string {
    return this.function.functionArn;
  }

  /** Sets a variable that the handlers' environment module reads. */
  addEnvironment(name: keyof typeof ENV, value: string): void {
    this.function.addEnvironment(name, value);
    this.#variables.set(name, value);
  }

  /** What would only be noticed in the middle of a deployment: too many help desks or routes. */
  #checkVariables(): string[] {
    const bytes = [...this.#variables].reduce((sum, [name, value]) => sum + name.length + bytesOf(value), 0);
    return bytes <= MAX_VARIABLE_BYTES
      ? []
      : [
          `its variables take about ${bytes} bytes; Lambda takes ${MAX_VARIABLE_BYTES} besides those that every function has`,
        ];
  }

  permit(permission: Permission): void {
    permit(this, permission);
  }
}

/** Lambda takes 4 KB of variables in all (Lambda quotas); those that every function has are about 200 bytes. */
const MAX_VARIABLE_BYTES = 4096 - 256;
/** A name or ARN that is known at deployment only is not longer. */
const TOKEN_BYTES = 120;

function bytesOf(value: string): number {
  const resolved = Tokenization.reverseString(value).mapTokens({ mapToken: () => 'x'.repeat(TOKEN_BYTES) });
  return Buffer.byteLength(resolved.join({ join: (left, right) => `${left ?? ''}${right ?? ''}` }));
}

/** A folder for files in memory; the hash of the asset depends on names and contents only. */
function folderOf(files: Readonly<Record<string, Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bundle-'));
  for (const [name, contents] of Object.entries(files)) writeFileSync(join(folder, name), contents);
  return folder;
}
