import { createHash } from 'node:crypto';
import type { Caller } from '../services/service.ts';

/** What a SigV4 signature says of a request: the key it was made with and the service it is for. */
export interface CredentialScope {
  readonly accessKeyId: string;
  readonly region: string;
  /** Signing name, for example `states`. */
  readonly service: string;
}

/**
 * Reads the credential scope of a signed or presigned request. Signatures are not verified: everything that reaches
 * the loopback address already runs as the person at this machine.
 */
export function credentialScope(
  authorization: string | undefined,
  query: URLSearchParams,
): CredentialScope | undefined {
  const credential =
    /Credential=([^,\s]+)/.exec(authorization ?? '')?.[1] ?? query.get('X-Amz-Credential') ?? '';
  const [accessKeyId, , region, service] = decodeURIComponent(credential).split('/');
  return accessKeyId && region && service ? { accessKeyId, region, service } : undefined;
}

/** Access keys that stand for a role; every other key is the account's administrator. */
export class RoleKeys {
  readonly #callers = new Map<string, Caller>();

  issue(
    roleArn: string,
    sessionName: string,
  ): { accessKeyId: string; secretAccessKey: string; sessionToken: string } {
    const digest = createHash('sha256').update(`${roleArn}|${sessionName}`).digest('hex').toUpperCase();
    const accessKeyId = `ASIA${digest.slice(0, 16)}`;
    this.#callers.set(accessKeyId, { kind: 'role', roleArn, sessionName });
    return { accessKeyId, secretAccessKey: 'local', sessionToken: 'local' };
  }

  callerOf(accessKeyId: string | undefined): Caller {
    return this.#callers.get(accessKeyId ?? '') ?? { kind: 'administrator' };
  }
}
