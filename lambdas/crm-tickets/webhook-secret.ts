import { createHmac, timingSafeEqual } from 'node:crypto';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod/mini';
import { jsonOf } from '../shared/failure.ts';

/** How long a secret is used before it is read again, milliseconds. */
const KEPT_MS = 5 * 60_000;
/** … and the same when a signature does not fit: somebody may have made a new one. Others cannot make us read more. */
const DOUBTED_MS = 30_000;

const Secret = z.object({ signingSecret: z.string().check(z.minLength(1)) });

export interface Signed {
  /** As it was sent. */
  readonly timestamp: string;
  /** As they were sent. */
  readonly body: Uint8Array;
  /** base64 */
  readonly signature: string;
}

export interface SigningSecretDependencies {
  readonly secrets: Pick<SecretsManagerClient, 'send'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The secret that Zendesk signs the calls of one webhook with, read from Secrets Manager when it is needed. */
export class SigningSecret {
  readonly #arn: string;
  readonly #dependencies: SigningSecretDependencies;
  #kept: { readonly secret: Promise<string | undefined>; readonly at: number } | undefined;

  constructor(arn: string, dependencies: SigningSecretDependencies) {
    this.#arn = arn;
    this.#dependencies = dependencies;
  }

  /** Whether the secret has made a signature. False while nobody has put one there. */
  async hasSigned(signed: Signed): Promise<boolean> {
    if (isSignedBy(await this.#secret(KEPT_MS), signed)) return true;
    const before = this.#kept;
    const again = await this.#secret(DOUBTED_MS);
    return this.#kept !== before && isSignedBy(again, signed);
  }

  async #secret(maxAgeMs: number): Promise<string | undefined> {
    const now = this.#dependencies.now();
    if (!this.#kept || now - this.#kept.at >= maxAgeMs) this.#kept = { secret: this.#read(), at: now };
    const kept = this.#kept;
    try {
      return await kept.secret;
    } catch (error) {
      // One that could not be read is read anew.
      if (this.#kept === kept) this.#kept = undefined;
      throw error;
    }
  }

  async #read(): Promise<string | undefined> {
    const { SecretString } = await this.#dependencies.secrets.send(
      new GetSecretValueCommand({ SecretId: this.#arn }),
    );
    const result = z.safeParse(Secret, jsonOf(SecretString));
    return result.success ? result.data.signingSecret : undefined;
  }
}

/** `base64(HMAC-SHA256(timestamp + body))` (Zendesk, "Verifying webhook authenticity"). */
function isSignedBy(secret: string | undefined, { timestamp, body, signature }: Signed): boolean {
  if (secret === undefined) return false;
  const expected = createHmac('sha256', secret).update(timestamp).update(body).digest();
  const given = Buffer.from(signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
