import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Shape } from '../services/service.ts';

/** A CloudFormation template, as far as it is read here. */
export interface Template {
  readonly Description?: string;
  readonly Parameters?: Readonly<Record<string, { readonly Type: string; readonly Default?: unknown }>>;
  readonly Mappings?: Readonly<Record<string, Readonly<Record<string, Shape>>>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, TemplateOutput>>;
}

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Shape;
  readonly DependsOn?: string | readonly string[];
  readonly Condition?: string;
  readonly Metadata?: Shape;
}

export interface TemplateOutput {
  readonly Value: unknown;
  readonly Description?: string;
  readonly Condition?: string;
  readonly Export?: { readonly Name: unknown };
}

export interface StackArtifact {
  readonly artifactId: string;
  readonly stackName: string;
  /** `unknown-account` where the application is environment-agnostic. */
  readonly account: string;
  /** `unknown-region` where the application is environment-agnostic. */
  readonly region: string;
  /** Artifact ids of the stacks that are deployed before this one. */
  readonly dependencies: readonly string[];
  readonly template: Template;
  /** By logical id: the construct's path, or the logical id itself where the assembly does not tell. */
  constructPath(logicalId: string): string;
}

/** A synthesised cloud assembly (`cdk.out`). */
export interface Assembly {
  readonly directory: string;
  readonly stacks: readonly StackArtifact[];
  /** Directory of an asset that is uploaded as a zip archive, such as a function's code. Throws where there is none. */
  directoryOf(bucket: string, key: string): string;
  /** Path of an asset that is uploaded as it is, such as a state machine's definition. Throws where there is none. */
  fileOf(bucket: string, key: string): string;
}

type Packaging = 'zip' | 'file';

interface FileAsset {
  readonly path: string;
  readonly packaging: Packaging;
  readonly bucket: RegExp;
  readonly key: RegExp;
}

/** The parts of manifest.json read here; schema in `@aws-cdk/cloud-assembly-schema`. */
interface Manifest {
  readonly artifacts?: Readonly<Record<string, Artifact>>;
}

interface Artifact {
  readonly type: string;
  readonly environment?: string;
  readonly properties?: {
    readonly templateFile?: string;
    readonly stackName?: string;
    readonly file?: string;
    readonly directoryName?: string;
  };
  readonly dependencies?: readonly string[];
  readonly metadata?: Metadata;
  readonly additionalMetadataFile?: string;
}

type Metadata = Readonly<Record<string, readonly { readonly type: string; readonly data?: unknown }[]>>;

interface AssetManifest {
  readonly files?: Readonly<
    Record<
      string,
      {
        readonly source: { readonly path: string; readonly packaging: Packaging };
        readonly destinations: Readonly<Record<string, { bucketName: string; objectKey: string }>>;
      }
    >
  >;
}

/** Reads a synthesised assembly, nested stages included. Throws where the directory holds none. */
export function readAssembly(directory: string): Assembly {
  const stacks: StackArtifact[] = [];
  const assets: FileAsset[] = [];

  const readers: Record<
    string,
    (folder: string, id: string, artifact: Artifact, stackIds: Set<string>) => void
  > = {
    'aws:cloudformation:stack': (folder, id, artifact, stackIds) =>
      stacks.push(readStack(folder, id, artifact, stackIds)),
    'cdk:asset-manifest': (folder, _id, artifact) =>
      assets.push(...readAssets(folder, artifact.properties?.file ?? '')),
    'cdk:cloud-assembly': (folder, _id, artifact) =>
      read(join(folder, artifact.properties?.directoryName ?? '')),
  };
  const read = (folder: string) => {
    const { artifacts = {} } = readJson<Manifest>(join(folder, 'manifest.json'));
    const isStack = (id: string) => artifacts[id]?.type === 'aws:cloudformation:stack';
    const stackIds = new Set(Object.keys(artifacts).filter(isStack));
    for (const [id, artifact] of Object.entries(artifacts)) {
      readers[artifact.type]?.(folder, id, artifact, stackIds);
    }
  };
  read(directory);

  const find = (packaging: Packaging, bucket: string, key: string) => {
    const asset = assets.find((a) => a.packaging === packaging && a.bucket.test(bucket) && a.key.test(key));
    if (!asset) throw new Error(`s3://${bucket}/${key} is no ${packaging} asset of ${directory}`);
    return asset.path;
  };
  return {
    directory,
    stacks,
    directoryOf: (bucket, key) => find('zip', bucket, key),
    fileOf: (bucket, key) => find('file', bucket, key),
  };
}

function readStack(folder: string, id: string, artifact: Artifact, stackIds: Set<string>): StackArtifact {
  const { environment = 'aws://unknown-account/unknown-region', properties = {} } = artifact;
  const [account = '', region = ''] = environment.replace('aws://', '').split('/');
  const template = readJson<Template>(join(folder, properties.templateFile ?? ''));
  const metadata = artifact.additionalMetadataFile
    ? readJson<Metadata>(join(folder, artifact.additionalMetadataFile))
    : {};
  const paths = new Map<string, string>();
  for (const [path, entries] of Object.entries({ ...artifact.metadata, ...metadata })) {
    for (const { type, data } of entries) {
      if (type === 'aws:cdk:logicalId') paths.set(String(data), path.replace(/^\//, ''));
    }
  }
  return {
    artifactId: id,
    stackName: properties.stackName ?? id,
    account,
    region,
    dependencies: (artifact.dependencies ?? []).filter((other) => stackIds.has(other)),
    template: { ...template, Resources: template.Resources ?? {} },
    constructPath: (logicalId) => {
      const inTemplate = template.Resources?.[logicalId]?.Metadata?.['aws:cdk:path'];
      return typeof inTemplate === 'string' ? inTemplate : (paths.get(logicalId) ?? logicalId);
    },
  };
}

function readAssets(folder: string, file: string): FileAsset[] {
  const { files = {} } = readJson<AssetManifest>(join(folder, file));
  return Object.values(files).flatMap(({ source, destinations }) =>
    Object.values(destinations).map(({ bucketName, objectKey }) => ({
      path: join(folder, source.path),
      packaging: source.packaging,
      bucket: placeholderPattern(bucketName),
      key: placeholderPattern(objectKey),
    })),
  );
}

/** Environment-agnostic manifests name buckets as `cdk-…-${AWS::AccountId}-${AWS::Region}`. */
function placeholderPattern(name: string): RegExp {
  const parts = name.split(/\$\{AWS::\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[\\w-]+')}$`);
}

/** The assembly is written by the CDK, which validates it against its schema; its shape is taken on trust. */
function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8'));
}
