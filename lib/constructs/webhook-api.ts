import { Duration, Fn, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import type { NodeFunction } from './node-function.ts';

export interface WebhookApiProps {
  readonly config: Config;
  readonly description: string;
  /** Where it is called, by `POST`; for example `/zendesk`. */
  readonly path: string;
  /** Answers every call; what makes it sure of who calls. */
  readonly receiver: NodeFunction;
  readonly authentication: string;
}

/** Calls a second, in the mean and at once: far more than a busy help desk has events. */
const THROTTLE = { rateLimit: 50, burstLimit: 100 };

/** What is known of each call. Neither its headers nor its body. */
const ACCESS_LOG = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  sourceIp: '$context.identity.sourceIp',
  routeKey: '$context.routeKey',
  status: '$context.status',
  protocol: '$context.protocol',
  responseLength: '$context.responseLength',
  latencyMs: '$context.responseLatency',
  integrationError: '$context.integrationErrorMessage',
};

/** An address on the internet that a service calls when something happens there: one route, and a function behind it. */
export class WebhookApi extends Construct {
  readonly api: HttpApi;
  /** What the service is told. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: WebhookApiProps) {
    super(scope, id);
    const { config, description, path, receiver, authentication } = props;
    this.api = new HttpApi(this, 'Api', {
      // What the console shows; other APIs may have the same.
      apiName: `${Stack.of(this).stackName}${path.replace('/', '-')}`,
      description,
      createDefaultStage: false,
    });
    const [route] = this.api.addRoutes({
      path,
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration('Receiver', receiver.function, {
        // Later than the function itself gives up, so that the answer is always the function's.
        timeout: receiver.timeout.plus(Duration.seconds(1)),
      }),
    });
    if (route) {
      Validations.of(route).acknowledge({ id: 'AwsSolutions-APIG4', reason: authentication });
    }
    const { stackId, stackName } = Stack.of(this);
    const accessLog = new LogGroup(this, 'AccessLog', {
      // Groups of this prefix need no line each in the account's resource policy, which takes 5,120 characters.
      logGroupName: `/aws/vendedlogs/apis/${stackName}/webhook-${Fn.select(2, Fn.split('/', stackId))}`,
      retention: config.retention.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: THROTTLE,
      accessLogSettings: {
        destination: new LogGroupLogDestination(accessLog),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
      },
    });
    this.url = `${this.api.apiEndpoint}${path}`;
  }
}
