import { AwsError } from '../service.ts';
import { type XmlNode, xml } from './xml.ts';

/** HTTP status and sentence of each error code S3 answers here (S3 API reference, "List of error codes"). */
const ERRORS = {
  AccessDenied: [403, 'Access Denied'],
  AuthorizationQueryParametersError: [400, 'The query-string authentication is not complete.'],
  BadDigest: [400, 'The Content-MD5 you specified did not match what we received.'],
  BucketAlreadyOwnedByYou: [
    409,
    'Your previous request to create the named bucket succeeded and you already own it.',
  ],
  BucketNotEmpty: [409, 'The bucket you tried to delete is not empty.'],
  EntityTooSmall: [400, 'Your proposed upload is smaller than the minimum allowed object size.'],
  IllegalLocationConstraintException: [400, 'The specified location-constraint is not valid.'],
  IncompleteBody: [
    400,
    'You did not provide the number of bytes specified by the Content-Length HTTP header.',
  ],
  InvalidArgument: [400, 'Invalid Argument'],
  InvalidBucketName: [400, 'The specified bucket is not valid.'],
  InvalidDigest: [400, 'The Content-MD5 you specified is not valid.'],
  InvalidPart: [
    400,
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  ],
  InvalidPartOrder: [
    400,
    'The list of parts was not in ascending order. Parts must be ordered by part number.',
  ],
  InvalidRange: [416, 'The requested range is not satisfiable'],
  InvalidRequest: [400, 'Invalid Request'],
  InvalidTag: [400, 'The TagKey or TagValue you have provided is invalid.'],
  InvalidURI: [400, "Couldn't parse the specified URI."],
  KeyTooLongError: [400, 'Your key is too long'],
  MalformedXML: [
    400,
    'The XML you provided was not well-formed or did not validate against our published schema',
  ],
  MalformedPolicy: [400, 'This policy contains invalid Json'],
  MetadataTooLarge: [400, 'Your metadata headers exceed the maximum allowed metadata size'],
  MethodNotAllowed: [405, 'The specified method is not allowed against this resource.'],
  NoSuchBucket: [404, 'The specified bucket does not exist'],
  NoSuchBucketPolicy: [404, 'The bucket policy does not exist'],
  NoSuchCORSConfiguration: [404, 'The CORS configuration does not exist'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NoSuchLifecycleConfiguration: [404, 'The lifecycle configuration does not exist'],
  NoSuchPublicAccessBlockConfiguration: [404, 'The public access block configuration was not found'],
  NoSuchTagSet: [404, 'The TagSet does not exist'],
  NoSuchUpload: [
    404,
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  ],
  NoSuchVersion: [404, 'The specified version does not exist.'],
  NotImplemented: [501, 'A header or query you provided implies functionality that is not implemented'],
  OwnershipControlsNotFoundError: [404, 'The bucket ownership controls were not found'],
  PreconditionFailed: [412, 'At least one of the pre-conditions you specified did not hold'],
  ServerSideEncryptionConfigurationNotFoundError: [
    404,
    'The server side encryption configuration was not found',
  ],
  XAmzContentSHA256Mismatch: [
    400,
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  ],
} satisfies Record<string, [status: number, message: string]>;

export type S3ErrorCode = keyof typeof ERRORS;

/** An error as S3 answers it; `members` become elements beside Code and Message, `headers` go on the response. */
export class S3Error extends AwsError {
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: S3ErrorCode,
    options: { message?: string; members?: Record<string, unknown>; headers?: Record<string, string> } = {},
  ) {
    const [status, message] = ERRORS[code];
    super(code, options.message ?? message, { status, members: options.members });
    this.headers = options.headers ?? {};
  }
}

/** The XML body of an error. */
export function errorBody(error: AwsError, resource: string, requestId: string): string {
  const members: XmlNode = {};
  for (const [name, value] of Object.entries(error.members)) members[name] = String(value);
  return xml('Error', {
    Code: errorCode(error),
    Message: error.message,
    ...members,
    Resource: resource,
    RequestId: requestId,
    HostId: requestId,
  });
}

/** S3 knows only `AccessDenied`, whatever the protocol of the one who refused calls it. */
const errorCode = (error: AwsError): string =>
  error.code.startsWith('AccessDenied') ? 'AccessDenied' : error.code;

export const errorStatus = (error: AwsError): number =>
  errorCode(error) === 'AccessDenied' ? 403 : error.status;

export const isAccessDenied = (error: unknown): error is AwsError =>
  error instanceof AwsError && errorCode(error) === 'AccessDenied';
