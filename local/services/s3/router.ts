import type { HttpRequest, HttpResponse } from '../service.ts';
import { AwsError } from '../service.ts';
import { actionOf } from './actions.ts';
import { BUCKET_ROUTES, SERVICE_ROUTES } from './buckets.ts';
import type { Core, Handler, S3Request } from './core.ts';
import { errorBody, errorStatus, S3Error } from './errors.ts';
import { LISTING_ROUTES } from './listing.ts';
import { MULTIPART_ROUTES } from './multipart.ts';
import { newId } from './names.ts';
import { DELETE_ROUTES, OBJECT_ROUTES } from './objects.ts';

/** Every query parameter by which S3 addresses something else than the bucket or the object itself. */
const SUBRESOURCES = [
  ...['accelerate', 'acl', 'analytics', 'attributes', 'cors', 'delete', 'encryption', 'intelligent-tiering'],
  ...['inventory', 'legal-hold', 'lifecycle', 'location', 'logging', 'metadataConfiguration', 'metrics'],
  ...['notification', 'object-lock', 'ownershipControls', 'policy', 'policyStatus', 'publicAccessBlock'],
  ...[
    'renameObject',
    'replication',
    'requestPayment',
    'restore',
    'retention',
    'select',
    'session',
    'tagging',
  ],
  ...['torrent', 'uploadId', 'uploads', 'versioning', 'versions', 'website'],
];

const ROUTES = {
  service: SERVICE_ROUTES,
  bucket: { ...BUCKET_ROUTES, ...LISTING_ROUTES, ...DELETE_ROUTES },
  object: { ...OBJECT_ROUTES, ...MULTIPART_ROUTES },
};

/** What follows the bucket in `bucket.s3.<region>.amazonaws.com`, `bucket.s3.localhost` or `bucket.localhost`. */
const S3_HOST = /(?:^|\.)(?:s3(?:[.-][a-z0-9-]+)*\.(?:amazonaws\.com|localhost)|localhost)(?::\d+)?$/;

/** Bucket and key of a request, in virtual-host or path style; the path is taken as it was sent. */
function address({ path, headers }: HttpRequest): { bucket: string; key: string } {
  const { host = '' } = headers;
  const hosted = host.slice(0, S3_HOST.exec(host)?.index ?? 0);
  let decoded: string;
  try {
    decoded = decodeURIComponent(path.replace(/^\//, ''));
  } catch {
    throw new S3Error('InvalidURI');
  }
  if (hosted !== '') return { bucket: hosted, key: decoded };
  const slash = decoded.indexOf('/');
  return slash < 0
    ? { bucket: decoded, key: '' }
    : { bucket: decoded.slice(0, slash), key: decoded.slice(slash + 1) };
}

/** When a presigned URL stops working; signature version 4 counts from its date, version 2 names the second. */
function expiryOf(query: URLSearchParams): number | undefined {
  const date = query.get('X-Amz-Date')?.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5');
  if (date !== undefined) return Date.parse(date) + Number(query.get('X-Amz-Expires') ?? Number.NaN) * 1000;
  return query.has('AWSAccessKeyId') ? Number(query.get('Expires')) * 1000 : undefined;
}

/** @throws S3Error AccessDenied when a presigned URL has expired */
function checkExpiry({ query }: HttpRequest, now: number): void {
  const until = expiryOf(query);
  if (until === undefined || now <= until) return;
  if (Number.isNaN(until))
    throw new S3Error('AuthorizationQueryParametersError', {
      message: 'X-Amz-Date and X-Amz-Expires must say until when the address is good',
    });
  throw new S3Error('AccessDenied', {
    message: 'Request has expired',
    members: { Expires: new Date(until).toISOString(), ServerTime: new Date(now).toISOString() },
  });
}

function route(request: S3Request): Handler {
  const scope = request.bucket === '' ? 'service' : request.key === '' ? 'bucket' : 'object';
  const subresource = SUBRESOURCES.find((name) => request.query.has(name));
  const name = subresource === undefined ? request.method : `${request.method} ${subresource}`;
  const routes: Readonly<Record<string, Handler>> = ROUTES[scope];
  const handler = routes[name];
  if (handler) return handler;
  throw new S3Error(subresource === undefined ? 'MethodNotAllowed' : 'NotImplemented', {
    message: `${name} of ${scope} ${request.bucket}/${request.key} is not implemented by the local S3`,
    members: { Method: request.method, Header: subresource ?? '' },
  });
}

/** Answers one request of the S3 REST API; errors become S3's XML. */
export async function answer(core: Core, request: HttpRequest): Promise<HttpResponse> {
  const requestId = newId().slice(0, 16).toUpperCase();
  const ids = { 'x-amz-request-id': requestId, 'x-amz-id-2': requestId };
  try {
    checkExpiry(request, core.context.clock.now());
    const known: S3Request = { ...request, ...address(request), requestId };
    const answered = async () => route(known)(core, known);
    const response = await (request.around?.(actionOf(known), answered) ?? answered());
    return { ...response, headers: { ...response.headers, ...ids } };
  } catch (error) {
    const known = error instanceof AwsError ? error : internalError(core, error);
    const extra = known instanceof S3Error ? known.headers : {};
    return {
      status: errorStatus(known),
      headers: { 'content-type': 'application/xml', ...extra, ...ids },
      body: request.method === 'HEAD' ? undefined : errorBody(known, request.path, requestId),
    };
  }
}

function internalError(core: Core, cause: unknown): AwsError {
  core.context.warn(`s3: ${cause instanceof Error ? cause.stack : cause}`);
  return new AwsError('InternalError', 'We encountered an internal error. Please try again.', {
    status: 500,
    cause,
  });
}
