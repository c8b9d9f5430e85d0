import { CfnOutput, CfnResource, Stack, Validations } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { removalPolicyOf } from './buckets.ts';

export interface ConnectionSecretProps {
  readonly config: Config;
  readonly description: string;
  /** Name of the output that has its ARN. */
  readonly output: string;
  /** Tells tools which secret is to hold which connection: name and value of an entry of the resource's metadata. */
  readonly metadata: readonly [name: string, value: Readonly<Record<string, string>>];
  /** Why nothing here rotates it. */
  readonly rotation: string;
}

/** A secret that says `{"connected": false}` until a person puts address and credentials into it. */
export function connectionSecret(scope: Construct, id: string, props: ConnectionSecretProps): Secret {
  const { config, description, output, metadata, rotation } = props;
  const secret = new Secret(scope, id, {
    description,
    generateSecretString: {
      secretStringTemplate: JSON.stringify({ connected: false }),
      generateStringKey: 'password',
    },
    removalPolicy: removalPolicyOf(config),
  });
  const { defaultChild } = secret.node;
  if (CfnResource.isCfnResource(defaultChild)) defaultChild.addMetadata(...metadata);
  Validations.of(secret).acknowledge({ id: 'AwsSolutions-SMG4', reason: rotation });
  new CfnOutput(Stack.of(scope), output, { value: secret.secretArn });
  return secret;
}
