import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
  paginateListStacks,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { RedshiftDataClient } from '@aws-sdk/client-redshift-data';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { ForPeople, NotFound, WrongUsage } from './errors.ts';
import { isLoopback, type Target } from './target.ts';

/** The stacks of a deployment, by what their names end with. */
const STACKS = ['Data', 'Pipelines', 'Operations'] as const;
type StackName = (typeof STACKS)[number];

/** A queue of the deployment. */
export interface StackQueue {
  /** Its name in the template, without the hash: `LandingArrivalsDeadLetters`. */
  readonly name: string;
  readonly url: string;
}

/** A deployed pipeline, found through the outputs of its stacks, and clients for what is in it. */
export class Deployment {
  /** `Millrace-dev` */
  readonly prefix: string;
  /** Which deployment it is, in a line. */
  readonly says: string;
  readonly dynamo: DynamoDBClient;
  readonly sfn: SFNClient;
  readonly sqs: SQSClient;
  readonly s3: S3Client;
  readonly cloudwatch: CloudWatchClient;
  readonly sts: STSClient;
  readonly secrets: SecretsManagerClient;
  readonly events: EventBridgeClient;
  readonly redshift: RedshiftDataClient;
  /** Whether it is on this machine, where nothing is billed. */
  readonly isLocal: boolean;
  readonly #cloudformation: CloudFormationClient;
  readonly #outputs: ReadonlyMap<string, string>;
  readonly #stacks: readonly StackName[];

  private constructor(
    { endpoint, settings }: Target,
    found: {
      readonly prefix: string;
      readonly place: string;
      readonly cloudformation: CloudFormationClient;
      readonly outputs: ReadonlyMap<string, string>;
      readonly stacks: readonly StackName[];
    },
  ) {
    this.prefix = found.prefix;
    this.#cloudformation = found.cloudformation;
    this.#outputs = found.outputs;
    this.#stacks = found.stacks;
    this.says = `${endpoint ? `${isLoopback(endpoint) ? 'Local runtime' : 'Endpoint'} at ${endpoint}` : found.place}, stacks ${found.prefix}-*`;
    this.dynamo = new DynamoDBClient(settings);
    this.sfn = new SFNClient(settings);
    this.sqs = new SQSClient(settings);
    this.s3 = new S3Client({ ...settings, ...(endpoint && { forcePathStyle: true }) });
    this.cloudwatch = new CloudWatchClient(settings);
    this.sts = new STSClient(settings);
    this.secrets = new SecretsManagerClient(settings);
    this.events = new EventBridgeClient(settings);
    this.redshift = new RedshiftDataClient(settings);
    this.isLocal = endpoint !== undefined && isLoopback(endpoint);
  }

  /**
   * Finds the stacks. Those of a deployment that is not whole may be missing, but not the one that holds the data.
   * @throws ForPeople when there is no such deployment
   */
  static async open(
    target: Target,
    { stack, environment }: { stack?: string | undefined; environment?: string | undefined },
  ): Promise<Deployment> {
    if (stack && environment)
      throw new WrongUsage('--stack and --environment say the same: give one of them.');
    const prefix = stack?.replace(/-(Data|Pipelines|Operations)$/, '') ?? `Millrace-${environment ?? 'dev'}`;
    const cloudformation = new CloudFormationClient(target.settings);
    const found = await Promise.all(STACKS.map((name) => describeStack(cloudformation, `${prefix}-${name}`)));
    const [data] = found;
    if (!data) throw new ForPeople(await noSuchStack(cloudformation, prefix, target));
    const [, , , region = '', account = ''] = data.StackId?.split(':') ?? [];
    return new Deployment(target, {
      prefix,
      place: `AWS account ${account}, region ${region}`,
      cloudformation,
      outputs: new Map(
        found.flatMap((each) =>
          (each?.Outputs ?? []).map(
            ({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue] as const,
          ),
        ),
      ),
      stacks: STACKS.filter((_, i) => found[i]),
    });
  }

  /** @throws NotFound when no stack has the output */
  output(key: string): string {
    const value = this.#outputs.get(key);
    if (value !== undefined) return value;
    throw new NotFound(
      `The stacks ${this.prefix}-* have no output ${key}: this deployment is older than the command, or leaves that part out. Deploy it again: npx cdk deploy --all`,
    );
  }

  optionalOutput(key: string): string | undefined {
    return this.#outputs.get(key);
  }

  /** Outputs whose names match, by what the first group holds. */
  outputsLike(pattern: RegExp): ReadonlyMap<string, string> {
    return new Map(
      [...this.#outputs].flatMap(([key, value]) => {
        const name = pattern.exec(key)?.[1];
        return name === undefined ? [] : [[name, value] as const];
      }),
    );
  }

  /** ARNs of the state machines by pipeline: `document-ingestion`, `warehouse-load`, …. */
  get machines(): ReadonlyMap<string, string> {
    const outputs = this.outputsLike(/^(\w+)StateMachineArn$/);
    return new Map([...outputs].map(([name, arn]) => [kebabCase(name), arn]));
  }

  /** @throws NotFound */
  machine(pipeline: string): string {
    const arn = this.machines.get(pipeline);
    if (arn) return arn;
    throw new NotFound(
      `${this.prefix} has no state machine ${pipeline}; it has ${[...this.machines.keys()].join(', ')}.`,
    );
  }

  /** Every queue, dead letter queues among them. */
  async queues(): Promise<StackQueue[]> {
    const queues: StackQueue[] = [];
    for (const name of this.#stacks) {
      const pages = paginateListStackResources(
        { client: this.#cloudformation },
        { StackName: `${this.prefix}-${name}` },
      );
      for await (const { StackResourceSummaries = [] } of pages) {
        for (const {
          ResourceType,
          LogicalResourceId = '',
          PhysicalResourceId: url,
        } of StackResourceSummaries) {
          if (ResourceType === 'AWS::SQS::Queue' && url)
            queues.push({ name: LogicalResourceId.replace(/[0-9A-F]{8}$/, ''), url });
        }
      }
    }
    return queues;
  }
}

/** `DocumentIngestion` as `document-ingestion`. */
const kebabCase = (name: string) => name.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase();

async function describeStack(client: CloudFormationClient, StackName: string) {
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    return Stacks[0];
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
    throw error;
  }
}

async function noSuchStack(
  client: CloudFormationClient,
  prefix: string,
  { endpoint }: Target,
): Promise<string> {
  const others: string[] = [];
  for await (const { StackSummaries = [] } of paginateListStacks({ client }, {})) {
    for (const { StackName = '', StackStatus } of StackSummaries) {
      const [, other] = /^(.+)-Data$/.exec(StackName) ?? [];
      if (other && StackStatus !== 'DELETE_COMPLETE') others.push(other);
    }
  }
  const where = endpoint ? ` at ${endpoint}` : ` in region ${await client.config.region()}`;
  return `There is no stack ${prefix}-Data${where}. ${
    others.length > 0
      ? `There are: ${others.join(', ')}. Name one with --stack.`
      : 'Deploy it with "npx cdk deploy --all", name another with --stack, --region or --profile, or start the local runtime with "npm start".'
  }`;
}
