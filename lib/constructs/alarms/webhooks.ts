import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { Pipeline } from '../../pipelines/pipeline.ts';
import { ABOVE, AT_LEAST, type Kind, NOT_BREACHING } from './kind.ts';
import { minutes, ofAws } from './metrics.ts';

/** Share of calls that are refused; strangers find every address on the internet, and a few calls say nothing. */
const REFUSED_SHARE = 0.5;
const FEWEST_CALLS = 20;
/** Calls in a quarter of an hour that could not be taken. Each comes again, so that one is nothing yet. */
const FAILED_CALLS = 5;

const ofApi = (pipeline: Pipeline, name: string, period: number) =>
  (pipeline.webhookApi ? [pipeline.webhookApi] : []).map(({ api }) =>
    ofAws('ApiGateway', name, { ApiId: api.apiId }, { period: minutes(period) }),
  );

/** Addresses that services on the internet call. */
export const WEBHOOKS: readonly Kind[] = [
  {
    name: 'WebhookRefuses',
    severity: 'warning',
    runbook: 'the-webhook',
    comparison: ABOVE,
    periods: [3, 3],
    missing: NOT_BREACHING,
    missingBecause: 'Nobody called.',
    watches: ({ pipelines }) =>
      pipelines.flatMap((pipeline) => {
        const [calls] = ofApi(pipeline, 'Count', 5);
        const [refused] = ofApi(pipeline, '4xx', 5);
        if (!calls || !refused) return [];
        return {
          pipeline: pipeline.pipeline,
          metric: new MathExpression({
            expression: `IF(calls >= ${FEWEST_CALLS}, refused / calls, 0)`,
            usingMetrics: { calls, refused },
            period: minutes(5),
          }),
          threshold: REFUSED_SHARE,
          sentence: `Most calls of the webhook of ${pipeline.pipeline} are refused, for 15 minutes now: its signing secret may be another.`,
        };
      }),
  },
  {
    name: 'WebhookFails',
    severity: 'error',
    runbook: 'the-webhook',
    comparison: AT_LEAST,
    missing: NOT_BREACHING,
    missingBecause: 'Nobody called.',
    watches: ({ pipelines }) =>
      pipelines.flatMap((pipeline) =>
        ofApi(pipeline, '5xx', 15).map((metric) => ({
          pipeline: pipeline.pipeline,
          metric,
          threshold: FAILED_CALLS,
          sentence: `Calls of the webhook of ${pipeline.pipeline} could not be taken, though they may be good.`,
        })),
      ),
  },
];
