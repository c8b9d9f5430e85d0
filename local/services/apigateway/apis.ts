import { createHash } from 'node:crypto';
import { z } from 'zod';
import { flag, numeric, object } from '../operation.ts';
import { AwsError, type ProvisionedResource, type ResourceRequest, type RuntimeContext } from '../service.ts';

/** Requests a second that are let through in the mean, and at once; undefined for no limit but the account's. */
export interface Throttling {
  readonly rate: number | undefined;
  readonly burst: number | undefined;
}

export interface Stage {
  readonly name: string;
  readonly throttling: Throttling;
  readonly throttlingOf: ReadonlyMap<string, Throttling>;
  readonly accessLog: { readonly group: string; readonly format: string } | undefined;
  readonly variables: Readonly<Record<string, string>>;
  /** As the template has it, for who asks. */
  readonly shown: Readonly<Record<string, unknown>>;
}

export interface Integration {
  readonly id: string;
  readonly functionArn: string;
  readonly timeoutMs: number;
  readonly shown: Readonly<Record<string, unknown>>;
}

export interface Route {
  readonly id: string;
  /** For example `POST /zendesk`, `ANY /{proxy+}` or `$default`. */
  readonly key: string;
  readonly integrationId: string;
}

/** An HTTP API with what belongs to it. */
export interface Api {
  readonly id: string;
  readonly name: string;
  readonly created: number;
  /** Where it listens: `http://127.0.0.1:<port>/_apigateway/<id>`. */
  readonly endpoint: string;
  readonly stages: Map<string, Stage>;
  readonly integrations: Map<string, Integration>;
  readonly routes: Map<string, Route>;
}

/** First part of the path under which HTTP APIs are reached at the runtime's endpoint. */
export const FRONT_PATH = '/_apigateway/';

const ApiProperties = z.strictObject({
  Name: z.string(),
  ProtocolType: z.literal('HTTP'),
  Description: z.string().optional(),
  DisableExecuteApiEndpoint: flag.default(false),
  RouteSelectionExpression: z.string().optional(),
  Tags: z.record(z.string(), z.string()).optional(),
});
const RouteSettings = z.looseObject({
  ThrottlingBurstLimit: numeric.optional(),
  ThrottlingRateLimit: numeric.optional(),
  DetailedMetricsEnabled: flag.optional(),
});
const StageProperties = z.strictObject({
  ApiId: z.string(),
  StageName: z.string(),
  Description: z.string().optional(),
  AutoDeploy: flag.default(false),
  AccessLogSettings: z.object({ DestinationArn: z.string(), Format: z.string() }).optional(),
  DefaultRouteSettings: RouteSettings.default({}),
  RouteSettings: z.record(z.string(), RouteSettings).default({}),
  StageVariables: z.record(z.string(), z.string()).default({}),
  Tags: z.record(z.string(), z.string()).optional(),
});
/** Other kinds of integration have no stand-in. */
const IntegrationProperties = z.strictObject({
  ApiId: z.string(),
  Description: z.string().optional(),
  IntegrationType: z.literal('AWS_PROXY'),
  IntegrationUri: z.string(),
  IntegrationMethod: z.string().optional(),
  PayloadFormatVersion: z.literal('2.0'),
  TimeoutInMillis: numeric.default(30_000),
});
const RouteProperties = z.strictObject({
  ApiId: z.string(),
  RouteKey: z.string(),
  Target: z.string(),
  AuthorizationType: z.literal('NONE').default('NONE'),
});

/** An identifier that is the same at every start. */
const stableId = (name: string, length: number) =>
  BigInt(`0x${createHash('sha256').update(name).digest('hex')}`)
    .toString(36)
    .slice(0, length);

const throttlingOf = (settings: z.output<typeof RouteSettings>): Throttling => ({
  rate: settings.ThrottlingRateLimit,
  burst: settings.ThrottlingBurstLimit,
});

/** The HTTP APIs of the account, as templates make them. */
export class Apis {
  readonly #context: RuntimeContext;
  readonly #apis = new Map<string, Api>();

  constructor(context: RuntimeContext) {
    this.#context = context;
  }

  all(): Api[] {
    return [...this.#apis.values()];
  }

  find(id: string): Api | undefined {
    return this.#apis.get(id);
  }

  /** @throws AwsError `NotFoundException` */
  get(id: string): Api {
    const found = this.#apis.get(id);
    if (found) return found;
    throw new AwsError(
      'NotFoundException',
      `Invalid API identifier specified ${this.#context.account}:${id}`,
      {
        status: 404,
      },
    );
  }

  makeApi({ generatedName, properties }: ResourceRequest): ProvisionedResource {
    const { Name, DisableExecuteApiEndpoint } = ApiProperties.parse(properties);
    if (DisableExecuteApiEndpoint) {
      throw new AwsError(
        'BadRequestException',
        `${Name} has no endpoint of its own, and there are no domains here.`,
      );
    }
    const id = stableId(generatedName, 10);
    const endpoint = `${this.#context.endpoint}${FRONT_PATH}${id}`;
    this.#apis.set(id, {
      id,
      name: Name,
      created: this.#context.clock.now(),
      endpoint,
      stages: new Map(),
      integrations: new Map(),
      routes: new Map(),
    });
    return { ref: id, attributes: { ApiId: id, ApiEndpoint: endpoint } };
  }

  makeStage({ properties }: ResourceRequest): ProvisionedResource {
    const given = StageProperties.parse(properties);
    if (!given.AutoDeploy) {
      throw new AwsError(
        'BadRequestException',
        `The stage ${given.StageName} shows a deployment; only AutoDeploy has a stand-in.`,
      );
    }
    const { AccessLogSettings: log } = given;
    this.get(given.ApiId).stages.set(given.StageName, {
      name: given.StageName,
      throttling: throttlingOf(given.DefaultRouteSettings),
      throttlingOf: new Map(
        Object.entries(given.RouteSettings).map(([key, settings]) => [key, throttlingOf(settings)]),
      ),
      accessLog: log && { group: groupOf(log.DestinationArn), format: log.Format },
      variables: given.StageVariables,
      shown: given,
    });
    return { ref: given.StageName, attributes: {} };
  }

  makeIntegration({ generatedName, properties }: ResourceRequest): ProvisionedResource {
    const given = IntegrationProperties.parse(properties);
    const id = stableId(generatedName, 7);
    this.get(given.ApiId).integrations.set(id, {
      id,
      functionArn: functionOf(given.IntegrationUri),
      timeoutMs: given.TimeoutInMillis,
      shown: given,
    });
    return { ref: id, attributes: { IntegrationId: id } };
  }

  makeRoute({ generatedName, properties }: ResourceRequest): ProvisionedResource {
    const { ApiId, RouteKey, Target } = RouteProperties.parse(properties);
    const { integrations, routes } = this.get(ApiId);
    const integrationId = Target.replace(/^integrations\//, '');
    if (!integrations.has(integrationId)) {
      throw new AwsError('BadRequestException', `${RouteKey} leads to ${Target}, which is not there.`);
    }
    const id = stableId(generatedName, 7);
    routes.set(id, { id, key: RouteKey, integrationId });
    return { ref: id, attributes: { RouteId: id } };
  }
}

/** `arn:aws:logs:…:log-group:<name>`, with or without `:*` behind it. */
const groupOf = (arn: string): string => arn.split(':').slice(6).join(':').replace(/:\*$/, '');

/** A function is given by its ARN, or by the address at which API Gateway calls it. */
const functionOf = (uri: string): string => /functions\/(arn:.+)\/invocations$/.exec(uri)?.[1] ?? uri;

/** The properties of a resource as its API shows them: names begin in lower case. */
export function asShown(value: unknown): unknown {
  const parsed = object.safeParse(value);
  if (!parsed.success) return value;
  return Object.fromEntries(
    Object.entries(parsed.data).map(([name, each]) => [
      name.charAt(0).toLowerCase() + name.slice(1),
      asShown(each),
    ]),
  );
}
