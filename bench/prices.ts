/**
 * List prices in USD, us-east-1, as read in 2026. Each is the price of one of the unit that its name says, without free
 * tiers and discounts.
 */
export const PRICES = {
  /** https://aws.amazon.com/step-functions/pricing/: $0.025 per 1,000 transitions of Standard workflows. */
  stateTransition: 0.025 / 1000,
  /** https://aws.amazon.com/lambda/pricing/: $0.20 per million requests. */
  lambdaRequest: 0.2 / 1e6,
  /** The same page, arm64. */
  lambdaGbSecond: 0.0000133334,
  /** https://aws.amazon.com/sqs/pricing/: standard queues; each API action is a request. */
  sqsRequest: 0.4 / 1e6,
  /** https://aws.amazon.com/dynamodb/pricing/on-demand/ */
  dynamodbWriteUnit: 0.625 / 1e6,
  dynamodbReadUnit: 0.125 / 1e6,
  /** https://aws.amazon.com/s3/pricing/: S3 Standard; PUT, COPY, POST and LIST. */
  s3Put: 0.005 / 1000,
  /** GET, HEAD and all others; DELETE is free. */
  s3Get: 0.0004 / 1000,
  /** https://aws.amazon.com/cloudwatch/pricing/: ingestion. */
  logGb: 0.5,
  /** https://aws.amazon.com/sns/pricing/: requests; deliveries to SQS are free. */
  snsRequest: 0.5 / 1e6,
  /** https://aws.amazon.com/textract/pricing/: Detect Document Text. */
  textractPage: 1.5 / 1000,
  /** https://aws.amazon.com/comprehend/pricing/: per 100 characters, at least 3 such units a request. */
  comprehendUnit: 0.0001,
  /** https://aws.amazon.com/redshift/pricing/: Serverless, by the second, at least 60 s. */
  redshiftRpuHour: 0.375,
} as const;

export const REDSHIFT = { rpus: 4, secondsPerLoad: 60 } as const;
