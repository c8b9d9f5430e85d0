import type { HttpResponse, Shape } from '../service.ts';
import {
  authorize,
  type Core,
  findBucket,
  type Handler,
  ownerId,
  type S3Request,
  xmlResponse,
} from './core.ts';
import { S3Error, type S3ErrorCode } from './errors.ts';
import { bucketArn, isoTime } from './names.ts';
import { parseRules } from './notifications.ts';
import { readPayload } from './payload.ts';
import type { Bucket } from './store.ts';
import { parseXml, text, type XmlNode, xml } from './xml.ts';

/** "General purpose bucket naming rules", S3 User Guide. */
const BUCKET_NAME = /^(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** A bucket's configurations that are kept as they are put. */
interface Subresource {
  readonly root: string;
  /** IAM actions without their prefix. */
  readonly get: string;
  readonly put: string;
  /** What a bucket without one answers: an error, or this document. */
  readonly missing: S3ErrorCode | XmlNode;
}

const SUBRESOURCES = {
  encryption: {
    root: 'ServerSideEncryptionConfiguration',
    get: 'GetEncryptionConfiguration',
    put: 'PutEncryptionConfiguration',
    missing: {
      Rule: { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false },
    },
  },
  lifecycle: {
    root: 'LifecycleConfiguration',
    get: 'GetLifecycleConfiguration',
    put: 'PutLifecycleConfiguration',
    missing: 'NoSuchLifecycleConfiguration',
  },
  publicAccessBlock: {
    root: 'PublicAccessBlockConfiguration',
    get: 'GetBucketPublicAccessBlock',
    put: 'PutBucketPublicAccessBlock',
    missing: 'NoSuchPublicAccessBlockConfiguration',
  },
  notification: {
    root: 'NotificationConfiguration',
    get: 'GetBucketNotification',
    put: 'PutBucketNotification',
    missing: {},
  },
  logging: {
    root: 'BucketLoggingStatus',
    get: 'GetBucketLogging',
    put: 'PutBucketLogging',
    missing: {},
  },
  ownershipControls: {
    root: 'OwnershipControls',
    get: 'GetBucketOwnershipControls',
    put: 'PutBucketOwnershipControls',
    missing: 'OwnershipControlsNotFoundError',
  },
  tagging: { root: 'Tagging', get: 'GetBucketTagging', put: 'PutBucketTagging', missing: 'NoSuchTagSet' },
  cors: {
    root: 'CORSConfiguration',
    get: 'GetBucketCORS',
    put: 'PutBucketCORS',
    missing: 'NoSuchCORSConfiguration',
  },
} satisfies Record<string, Subresource>;

export type ConfigurationName = keyof typeof SUBRESOURCES | 'policy';

/** The bucket with one configuration replaced, or removed. */
export function configure(bucket: Bucket, name: ConfigurationName, content: XmlNode | undefined): Bucket {
  const configuration = { ...bucket.configuration };
  if (content) configuration[name] = content;
  else delete configuration[name];
  return { ...bucket, configuration };
}

/** Finds the bucket of a request that may do `action` on it. */
function allowed(core: Core, { bucket, caller }: S3Request, action: string): Bucket {
  const found = findBucket(core, bucket);
  authorize(core, caller, action, { bucket });
  return found;
}

function subresourceRoutes(name: keyof typeof SUBRESOURCES): Record<string, Handler> {
  const { root, get, put, missing }: Subresource = SUBRESOURCES[name];
  return {
    [`GET ${name}`]: (core, request) => {
      const content = allowed(core, request, get).configuration[name] ?? missing;
      if (typeof content === 'string')
        throw new S3Error(content, { members: { BucketName: request.bucket } });
      return xmlResponse(xml(root, content));
    },
    [`PUT ${name}`]: async (core, request) => {
      allowed(core, request, put);
      const content = parseXml(readPayload(request.headers, request.body).body, root);
      if (name === 'notification') await validateNotification(core, request, content);
      core.store.putBucket(configure(findBucket(core, request.bucket), name, content));
      return { status: 200 };
    },
    [`DELETE ${name}`]: (core, request) => {
      core.store.putBucket(configure(allowed(core, request, put), name, undefined));
      return { status: 204 };
    },
  };
}

async function validateNotification(core: Core, request: S3Request, content: XmlNode): Promise<void> {
  parseRules(content);
  if (request.headers['x-amz-skip-destination-validation'] === 'true') return;
  await core.notifier.validate(request.bucket, content, request.requestId);
}

/** Keeps a bucket's policy, and hands it to those who judge calls. */
export function setPolicy(core: Core, bucket: Bucket, document: Shape | undefined): void {
  const content = document && { document: JSON.stringify(document) };
  core.store.putBucket(configure(bucket, 'policy', content));
  core.context.policies.setResourcePolicy(
    bucketArn(bucket.name),
    document ?? { Version: '2012-10-17', Statement: [] },
  );
}

/** Hands over the policies of an earlier run, which may have been put by API and be in no template. */
export function restorePolicies(core: Core): void {
  for (const bucket of core.store.buckets()) {
    const document: unknown = JSON.parse(text(bucket.configuration.policy?.document) ?? 'null');
    if (isShape(document)) core.context.policies.setResourcePolicy(bucketArn(bucket.name), document);
  }
}

const getPolicy: Handler = (core, request) => {
  const { policy } = allowed(core, request, 'GetBucketPolicy').configuration;
  if (!policy) throw new S3Error('NoSuchBucketPolicy', { members: { BucketName: request.bucket } });
  return { status: 200, headers: { 'content-type': 'application/json' }, body: text(policy.document) };
};

const putPolicy: Handler = (core, request) => {
  const bucket = allowed(core, request, 'PutBucketPolicy');
  let document: unknown;
  try {
    document = JSON.parse(readPayload(request.headers, request.body).body.toString());
  } catch {
    throw new S3Error('MalformedPolicy');
  }
  if (!isShape(document)) throw new S3Error('MalformedPolicy');
  setPolicy(core, bucket, document);
  return { status: 204 };
};

export const isShape = (value: unknown): value is Shape =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const deletePolicy: Handler = (core, request) => {
  setPolicy(core, allowed(core, request, 'DeleteBucketPolicy'), undefined);
  return { status: 204 };
};

const getVersioning: Handler = (core, request) => {
  const { versioning } = allowed(core, request, 'GetBucketVersioning');
  return xmlResponse(xml('VersioningConfiguration', { Status: versioning }));
};

const putVersioning: Handler = (core, request) => {
  const bucket = allowed(core, request, 'PutBucketVersioning');
  const { body } = readPayload(request.headers, request.body);
  const status = text(parseXml(body, 'VersioningConfiguration').Status);
  if (status !== 'Enabled' && status !== 'Suspended') throw new S3Error('MalformedXML');
  core.store.putBucket({ ...bucket, versioning: status });
  return { status: 200 };
};

/** us-east-1 has the empty name, for history's sake. */
const getLocation: Handler = (core, request) => {
  allowed(core, request, 'GetBucketLocation');
  const { region } = core.context;
  return xmlResponse(xml('LocationConstraint', region === 'us-east-1' ? '' : region));
};

const headBucket: Handler = (core, request): HttpResponse => {
  allowed(core, request, 'ListBucket');
  return { status: 200, headers: { 'x-amz-bucket-region': core.context.region } };
};

/** @throws S3Error InvalidBucketName */
export function newBucket(core: Core, name: string): Bucket {
  if (!BUCKET_NAME.test(name)) throw new S3Error('InvalidBucketName', { members: { BucketName: name } });
  return { name, created: core.context.clock.now(), configuration: {} };
}

const createBucket: Handler = (core, request) => {
  const { bucket: name, caller } = request;
  const bucket = newBucket(core, name);
  authorize(core, caller, 'CreateBucket', { bucket: name });
  const { body } = readPayload(request.headers, request.body);
  const { region } = core.context;
  const location =
    body.length > 0 ? text(parseXml(body, 'CreateBucketConfiguration').LocationConstraint) : undefined;
  if (location !== undefined && location !== region)
    throw new S3Error('IllegalLocationConstraintException', {
      message: `The ${location} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    });
  if (!core.store.bucket(name)) core.store.putBucket(bucket);
  else if (region !== 'us-east-1')
    throw new S3Error('BucketAlreadyOwnedByYou', { members: { BucketName: name } });
  return { status: 200, headers: { location: `/${name}` } };
};

const deleteBucket: Handler = (core, request) => {
  const bucket = allowed(core, request, 'DeleteBucket');
  if (!core.store.isEmpty(bucket.name))
    throw new S3Error('BucketNotEmpty', { members: { BucketName: bucket.name } });
  setPolicy(core, bucket, undefined);
  core.store.removeBucket(bucket.name);
  return { status: 204 };
};

const listBuckets: Handler = (core, { caller, query }) => {
  core.context.authorize({ caller, action: 's3:ListAllMyBuckets', resource: '*' });
  const prefix = query.get('prefix') ?? '';
  const buckets = core.store.buckets().filter(({ name }) => name.startsWith(prefix));
  return xmlResponse(
    xml('ListAllMyBucketsResult', {
      Owner: { ID: ownerId(core) },
      Buckets: {
        Bucket: buckets.map(({ name, created }) => ({
          Name: name,
          CreationDate: isoTime(created),
          BucketRegion: core.context.region,
        })),
      },
    }),
  );
};

/** Requests on no bucket. */
export const SERVICE_ROUTES: Readonly<Record<string, Handler>> = { GET: listBuckets };

const subresourceNames: readonly (keyof typeof SUBRESOURCES)[] = [
  'encryption',
  'lifecycle',
  'publicAccessBlock',
  'notification',
  'logging',
  'ownershipControls',
  'tagging',
  'cors',
];

/** Requests on a bucket itself, by method and subresource. */
export const BUCKET_ROUTES: Readonly<Record<string, Handler>> = {
  PUT: createBucket,
  HEAD: headBucket,
  DELETE: deleteBucket,
  'GET location': getLocation,
  'GET versioning': getVersioning,
  'PUT versioning': putVersioning,
  'GET policy': getPolicy,
  'PUT policy': putPolicy,
  'DELETE policy': deletePolicy,
  ...Object.assign({}, ...subresourceNames.map(subresourceRoutes)),
};
