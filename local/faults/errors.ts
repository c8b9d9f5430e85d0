import { AwsError } from '../services/service.ts';

/** An error as a service answers it. */
export interface Answer {
  readonly code: string;
  readonly status: number;
  readonly message: string;
}

const error = (code: string, message: string, status = 400): Answer => ({ code, status, message });

/** How each service says that there are too many requests, by signing name (the services' API references). */
const THROTTLING: Readonly<Record<string, Answer>> = {
  cloudformation: error('Throttling', 'Rate exceeded'),
  dynamodb: error(
    'ProvisionedThroughputExceededException',
    'The level of configured provisioned throughput for the table was exceeded.',
  ),
  iam: error('Throttling', 'Rate exceeded'),
  lambda: error('TooManyRequestsException', 'Rate Exceeded.', 429),
  monitoring: error('Throttling', 'Rate exceeded'),
  s3: error('SlowDown', 'Please reduce your request rate.', 503),
  sns: error('Throttled', 'Rate exceeded', 429),
  sqs: error('RequestThrottled', 'The request was denied due to request throttling.', 403),
  sts: error('Throttling', 'Rate exceeded'),
  textract: error('ProvisionedThroughputExceededException', 'Provisioned rate exceeded'),
};

/** How each service says that it failed itself. */
const SERVER: Readonly<Record<string, Answer>> = {
  comprehend: error('InternalServerException', 'An internal server error occurred. Retry your request.', 500),
  dynamodb: error('InternalServerError', 'The request could not be processed.', 500),
  events: error('InternalException', 'This exception occurs due to unexpected causes.', 500),
  lambda: error('ServiceException', 'The Lambda service encountered an internal error.', 500),
  logs: error('ServiceUnavailableException', 'The service cannot complete the request.', 503),
  monitoring: error('InternalServiceError', 'Request processing has failed due to some unknown error.', 500),
  'redshift-data': error('InternalServerException', 'The Amazon Redshift Data API operation failed.', 500),
  s3: error('InternalError', 'We encountered an internal error. Please try again.', 500),
  secretsmanager: error('InternalServiceError', 'An error occurred on the server side.', 500),
  sns: error('InternalError', 'Indicates an internal service error.', 500),
  textract: error(
    'InternalServerError',
    'Amazon Textract experienced a service issue. Try your call again.',
    500,
  ),
};

/** What services without a name of their own answer ("Common Errors" of their API references). */
const ANY_THROTTLING = error('ThrottlingException', 'Rate exceeded');
const ANY_SERVER = error(
  'InternalFailure',
  'The request processing has failed because of an unknown error.',
  500,
);

/** @param service signing name */
export const throttlingError = (service: string): AwsError => asError(THROTTLING[service] ?? ANY_THROTTLING);

/** @param service signing name */
export const serverError = (service: string): AwsError => asError(SERVER[service] ?? ANY_SERVER);

/** An error that a rule spells out. */
export const givenError = (answer: Answer): AwsError => asError(answer);

const asError = ({ code, message, status }: Answer) => new AwsError(code, message, { status });
