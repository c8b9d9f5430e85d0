import { createHash } from 'node:crypto';

type Headers = Readonly<Record<string, string>>;

/** What authorises requests. */
export interface Credentials {
  headers(): Promise<Headers>;
  /** Forgets what has just been refused. Absent where nothing newer can be had. */
  renew?(): void;
}

/** Credentials that are the same for every request. */
export function fixed(headers: Headers): Credentials {
  return { headers: async () => headers };
}

/** `Authorization` of a user and a password (RFC 7617). */
export function basic(user: string, password: string): Headers {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}` };
}

/** A token as an OAuth 2.0 server gives it (RFC 6749, 5.1). */
export interface AccessToken {
  readonly token: string;
  /** Seconds that it lives, where the server says so. */
  readonly expiresIn?: number | undefined;
}

export interface OAuth {
  /** Everything that the token depends on, the secret included; only its hash is kept. */
  readonly identity: readonly string[];
  /** Asks the server for a new token. */
  fetch(): Promise<AccessToken>;
  /** Milliseconds since 1970. */
  now(): number;
}

interface Kept {
  readonly token: Promise<AccessToken>;
  expiresAt: number;
}

/** Tokens by their identity, for the life of the execution environment. */
const kept = new Map<string, Kept>();
const MOST_KEPT = 100;

/** Seconds before its end at which a token is not used any more. */
const MARGIN = 60;
/** Seconds that a token is used whose server names no end. */
const ASSUMED = 1_800;

/** Credentials by an access token, which is fetched once and used until shortly before it expires. */
export function oauth({ identity, fetch, now }: OAuth): Credentials {
  const key = createHash('sha256').update(JSON.stringify(identity)).digest('hex');

  function start(): Kept {
    const entry: Kept = { token: fetch(), expiresAt: Number.POSITIVE_INFINITY };
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(key, entry);
    entry.token.then(
      ({ expiresIn = ASSUMED }) => {
        entry.expiresAt = now() + Math.max(expiresIn - MARGIN, expiresIn / 2) * 1000;
      },
      () => {
        if (kept.get(key) === entry) kept.delete(key);
      },
    );
    return entry;
  }

  return {
    headers: async () => {
      const current = kept.get(key);
      const { token } = await (current && now() < current.expiresAt ? current : start()).token;
      return { authorization: `Bearer ${token}` };
    },
    renew: () => {
      kept.delete(key);
    },
  };
}
