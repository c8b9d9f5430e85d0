import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../services/json-file.ts';

/** Made-up credentials by name. */
export interface Credentials {
  /** The credential of that name: `bytes` random bytes in hex at its first use, and the same ever after. */
  secret(name: string, bytes?: number): string;
}

/** The desks' credentials: made at the first start and kept in the data directory. They open nothing but these desks. */
export function createCredentials(directory: string): { of(desk: string): Credentials } {
  const file = new JsonFile(join(directory, 'credentials.json'), z.record(z.string(), z.string()));
  const known = file.read() ?? {};
  return {
    of: (desk) => ({
      secret(name, bytes = 16) {
        const key = `${desk}.${name}`;
        if (known[key] === undefined) {
          known[key] = randomBytes(bytes).toString('hex');
          file.write(known);
        }
        return known[key];
      },
    }),
  };
}

/** Bearer tokens that were handed out; they end with the process, as tokens do at any moment. */
export class Tokens {
  readonly #expiry = new Map<string, number>();

  /** @param until milliseconds since the epoch */
  issue(until: number): string {
    const token = randomBytes(24).toString('hex');
    this.#expiry.set(token, until);
    return token;
  }

  isGood(token: string | undefined, now: number): boolean {
    return token !== undefined && now < (this.#expiry.get(token) ?? 0);
  }
}
