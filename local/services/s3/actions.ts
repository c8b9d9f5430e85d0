import type { S3Request } from './core.ts';

/** API actions of the requests that objects and buckets are mostly about, by what is addressed and how. */
const ACTIONS: Readonly<Record<string, string>> = {
  'service GET': 'ListBuckets',
  'bucket GET': 'ListObjects',
  'bucket GET list-type': 'ListObjectsV2',
  'bucket GET versions': 'ListObjectVersions',
  'bucket GET uploads': 'ListMultipartUploads',
  'bucket HEAD': 'HeadBucket',
  'bucket PUT': 'CreateBucket',
  'bucket DELETE': 'DeleteBucket',
  'bucket POST delete': 'DeleteObjects',
  'object GET': 'GetObject',
  'object GET attributes': 'GetObjectAttributes',
  'object GET tagging': 'GetObjectTagging',
  'object GET uploadId': 'ListParts',
  'object HEAD': 'HeadObject',
  'object PUT': 'PutObject',
  'object PUT copy': 'CopyObject',
  'object PUT tagging': 'PutObjectTagging',
  'object PUT uploadId': 'UploadPart',
  'object DELETE': 'DeleteObject',
  'object DELETE tagging': 'DeleteObjectTagging',
  'object DELETE uploadId': 'AbortMultipartUpload',
  'object POST uploads': 'CreateMultipartUpload',
  'object POST uploadId': 'CompleteMultipartUpload',
};

/** Name of the API action that a request of the REST protocol asks for; of rare ones its method and subresource. */
export function actionOf({ method, bucket, key, query, headers }: S3Request): string {
  const scope = bucket === '' ? 'service' : key === '' ? 'bucket' : 'object';
  const how = headers['x-amz-copy-source'] === undefined ? [...query.keys()] : ['copy', ...query.keys()];
  const named = how.map((part) => ACTIONS[`${scope} ${method} ${part}`]).find((name) => name !== undefined);
  return named ?? ACTIONS[`${scope} ${method}`] ?? `${method} ${how.join(' ')}`;
}
