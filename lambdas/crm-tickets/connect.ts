import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { jsonOf } from '../shared/failure.ts';
import type { HttpClient } from '../shared/http/client.ts';
import type { CrmSettings } from './contract.ts';
import { isConnected, KINDS } from './sources/index.ts';
import type { Source } from './sources/source.ts';

export interface ConnectDependencies {
  readonly secrets: Pick<SecretsManagerClient, 'send'>;
  readonly http: HttpClient;
}

/**
 * The CRM, by what its secret holds now; undefined while nobody has connected it.
 * @throws CrmRefused when the connection is not complete
 */
export async function connect(
  { source }: Pick<CrmSettings, 'source'>,
  secretArn: string,
  { secrets, http }: ConnectDependencies,
): Promise<Source | undefined> {
  const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: secretArn }));
  // What is no JSON is no connection; it is not quoted because it may be a password.
  const connection = jsonOf(SecretString);
  return isConnected(connection) ? KINDS[source](connection, http) : undefined;
}
