import { createHash, randomInt, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../json-file.ts';
import { document, flag, numeric, object, operation } from '../operation.ts';
import {
  AwsError,
  type LocalService,
  type Operations,
  type ResourceRequest,
  type RuntimeContext,
  type Shape,
} from '../service.ts';

const Version = z.object({
  id: z.string(),
  text: z.string().optional(),
  /** base64 */
  binary: z.string().optional(),
  stages: z.array(z.string()),
  created: z.number(),
});
type Version = z.infer<typeof Version>;

const Secret = z.object({
  arn: z.string(),
  name: z.string(),
  description: z.string().optional(),
  created: z.number(),
  versions: z.array(Version),
});
type Secret = z.infer<typeof Secret>;

const GenerateSecretString = z.object({
  PasswordLength: numeric.default(32),
  ExcludeCharacters: z.string().default(''),
  ExcludeLowercase: flag.default(false),
  ExcludeUppercase: flag.default(false),
  ExcludeNumbers: flag.default(false),
  ExcludePunctuation: flag.default(false),
  IncludeSpace: flag.default(false),
  SecretStringTemplate: z.string().optional(),
  GenerateStringKey: z.string().optional(),
});

const SecretProperties = z.object({
  Name: z.string().optional(),
  Description: z.string().optional(),
  SecretString: z.string().optional(),
  GenerateSecretString: GenerateSecretString.optional(),
});

const Value = z.object({ SecretString: z.string().optional(), SecretBinary: z.string().optional() });
const OfSecret = z.object({ SecretId: z.string() });

function randomPassword(wish: z.infer<typeof GenerateSecretString>): string {
  const alphabet = [
    wish.ExcludeLowercase ? '' : 'abcdefghijklmnopqrstuvwxyz',
    wish.ExcludeUppercase ? '' : 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    wish.ExcludeNumbers ? '' : '0123456789',
    wish.ExcludePunctuation ? '' : '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
    wish.IncludeSpace ? ' ' : '',
  ].join('');
  const allowed = [...alphabet].filter((character) => !wish.ExcludeCharacters.includes(character));
  return Array.from({ length: wish.PasswordLength }, () => allowed[randomInt(allowed.length)]).join('');
}

function generate(wish: z.infer<typeof GenerateSecretString>): string {
  const password = randomPassword(wish);
  if (wish.SecretStringTemplate === undefined || wish.GenerateStringKey === undefined) return password;
  return JSON.stringify({
    ...object.parse(JSON.parse(wish.SecretStringTemplate)),
    [wish.GenerateStringKey]: password,
  });
}

/** Secrets Manager without rotation. Values lie unencrypted in the data directory. */
export function createSecretsmanager(context: RuntimeContext): LocalService {
  const file = new JsonFile(join(context.dataDir, 'secretsmanager', 'secrets.json'), z.array(Secret));
  const secrets = new Map(file.read()?.map((secret): [string, Secret] => [secret.name, secret]));
  const save = () => file.write([...secrets.values()]);

  /** Six characters after the name, as AWS adds them; here the same at every start. */
  const arnOf = (name: string) => {
    const suffix = createHash('sha256').update(name).digest('base64').replace(/\W/g, '').slice(0, 6);
    return `arn:aws:secretsmanager:${context.region}:${context.account}:secret:${name}-${suffix}`;
  };

  /** By name, ARN, or ARN without the suffix. */
  function find(id: string): Secret {
    const found =
      secrets.get(id) ??
      [...secrets.values()].find(({ arn }) => arn === id || arn.replace(/-\w{6}$/, '') === id);
    if (!found)
      throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    return found;
  }

  const onSecret = ({ SecretId }: { SecretId: string }) => [find(SecretId).arn];

  function create(name: string, description: string | undefined, value: z.infer<typeof Value>): Secret {
    const created = context.clock.now();
    const secret: Secret = { arn: arnOf(name), name, description, created, versions: [] };
    secrets.set(name, secret);
    if (value.SecretString !== undefined || value.SecretBinary !== undefined) put(secret, value);
    save();
    return secret;
  }

  function put(
    secret: Secret,
    { SecretString: text, SecretBinary: binary }: z.infer<typeof Value>,
    id: string = randomUUID(),
  ): Version {
    const version: Version = { id, text, binary, stages: ['AWSCURRENT'], created: context.clock.now() };
    const current = secret.versions.find(({ stages }) => stages.includes('AWSCURRENT'));
    if (current) current.stages = ['AWSPREVIOUS'];
    secret.versions = [version, ...(current ? [current] : [])];
    save();
    return version;
  }

  const shown = ({ arn, name, description, created, versions }: Secret): Shape => ({
    ARN: arn,
    Name: name,
    Description: description,
    CreatedDate: created / 1000,
    LastChangedDate: (versions[0]?.created ?? created) / 1000,
    VersionIdsToStages: Object.fromEntries(versions.map(({ id, stages }) => [id, stages])),
  });

  const operations: Operations = {
    GetSecretValue: operation(
      OfSecret.extend({ VersionId: z.string().optional(), VersionStage: z.string().default('AWSCURRENT') }),
      {
        resources: onSecret,
        handle: ({ SecretId, VersionId, VersionStage }) => {
          const { arn, name, versions } = find(SecretId);
          const version = versions.find(({ id, stages }) =>
            VersionId ? id === VersionId : stages.includes(VersionStage),
          );
          if (!version) {
            throw new AwsError(
              'ResourceNotFoundException',
              `Secrets Manager can't find the specified secret value for staging label: ${VersionStage}`,
            );
          }
          const { id, text, binary, stages, created } = version;
          return {
            ARN: arn,
            Name: name,
            VersionId: id,
            SecretString: text,
            SecretBinary: binary,
            VersionStages: stages,
            CreatedDate: created / 1000,
          };
        },
      },
    ),
    DescribeSecret: operation(OfSecret, {
      resources: onSecret,
      handle: ({ SecretId }) => shown(find(SecretId)),
    }),
    PutSecretValue: operation(
      OfSecret.extend({ ...Value.shape, ClientRequestToken: z.string().optional() }),
      {
        resources: onSecret,
        handle: ({ SecretId, ClientRequestToken, ...value }) => {
          const secret = find(SecretId);
          const { id, stages } = put(secret, value, ClientRequestToken);
          return { ARN: secret.arn, Name: secret.name, VersionId: id, VersionStages: stages };
        },
      },
    ),
    CreateSecret: operation(
      z.object({ Name: z.string(), Description: z.string().optional(), ...Value.shape }),
      {
        resources: ({ Name }) => [arnOf(Name)],
        handle: ({ Name, Description, ...value }) => {
          if (secrets.has(Name)) {
            throw new AwsError(
              'ResourceExistsException',
              `The operation failed because the secret ${Name} already exists.`,
            );
          }
          const { arn, versions } = create(Name, Description, value);
          return { ARN: arn, Name, VersionId: versions[0]?.id };
        },
      },
    ),
    ListSecrets: { handle: () => ({ SecretList: [...secrets.values()].map(shown) }) },
  };

  return {
    signingNames: ['secretsmanager'],
    iamPrefix: 'secretsmanager',
    operations,
    resources: {
      'AWS::SecretsManager::Secret': ({ properties, generatedName }: ResourceRequest) => {
        const {
          Name = generatedName,
          Description,
          SecretString,
          GenerateSecretString: wish,
        } = SecretProperties.parse(properties);
        const known = secrets.get(Name);
        const value = SecretString ?? (wish && generate(wish)) ?? generate(GenerateSecretString.parse({}));
        // A value that is there is data and stays, whoever has changed it since.
        const { arn } = known ?? create(Name, Description, { SecretString: value });
        return { ref: arn, attributes: { Id: arn } };
      },
      'AWS::SecretsManager::ResourcePolicy': ({ properties }: ResourceRequest) => {
        const { SecretId, ResourcePolicy } = z
          .object({ SecretId: z.string(), ResourcePolicy: document })
          .parse(properties);
        const { arn } = find(SecretId);
        context.policies.setResourcePolicy(arn, ResourcePolicy);
        return { ref: arn, attributes: {} };
      },
    },
  };
}
