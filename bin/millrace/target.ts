import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CommonValues } from './command.ts';
import { WrongUsage } from './errors.ts';

/** Settings of every AWS client of a command. */
export interface ClientSettings {
  readonly endpoint?: string;
  readonly region?: string;
  readonly profile?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly maxAttempts: number;
  readonly requestHandler: { readonly connectionTimeout: number; readonly requestTimeout: number };
}

/** What the commands talk to. */
export interface Target {
  /** The local runtime, or another endpoint that is not AWS's own. */
  readonly endpoint?: string;
  readonly settings: ClientSettings;
}

/** Attempts of each call: a throttled redrive of thousands has to wait, not to give up. */
const PATIENT = {
  maxAttempts: 8,
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 60_000 },
} as const;

/** Where a runtime that is ready says its endpoint, in its data directory. */
const ENDPOINT_FILE = 'runtime.endpoint';

/** Whether an address is on this machine. */
export const isLoopback = (address: string): boolean => LOOPBACK.test(address);
const LOOPBACK = /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|\/|$)/;

/**
 * Chooses between a named endpoint, AWS where the person says so, the local runtime that runs, and AWS.
 * @throws WrongUsage
 */
export async function findTarget(values: CommonValues, env = process.env): Promise<Target> {
  const { region, profile, aws } = values;
  const chosen = {
    ...(region && { region }),
    ...(profile && { profile }),
  };
  const asked = values['endpoint-url'] ?? (aws || profile ? undefined : env.AWS_ENDPOINT_URL);
  if (asked) {
    if (!URL.canParse(asked))
      throw new WrongUsage(`The endpoint "${asked}" is no address such as http://127.0.0.1:4566.`);
    return { endpoint: asked, settings: { ...PATIENT, ...chosen, ...at(asked, env) } };
  }
  const isOnAws = aws || region !== undefined || profile !== undefined;
  const endpoint = isOnAws ? undefined : await runningRuntime(values.data);
  if (endpoint) return { endpoint, settings: { ...PATIENT, ...at(endpoint, {}) } };
  return { settings: { ...PATIENT, ...chosen } };
}

/** On this machine any credentials will do; elsewhere they are looked for as for AWS. */
function at(endpoint: string, env: NodeJS.ProcessEnv): Partial<ClientSettings> {
  if (!isLoopback(endpoint)) return { endpoint };
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return {
    endpoint,
    region: env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1',
    ...(!env.AWS_ACCESS_KEY_ID && { credentials }),
  };
}

/** Endpoint of the runtime that uses the checkout's data directory, if one is up. */
async function runningRuntime(data: string | undefined): Promise<string | undefined> {
  const directory = data ? resolve(data) : join(import.meta.dirname, '..', '..', '.millrace');
  const file = join(directory, ENDPOINT_FILE);
  if (existsSync(file)) {
    const endpoint = readFileSync(file, 'utf8').trim();
    // One that was killed leaves its file behind.
    if (isLoopback(endpoint) && (await answers(endpoint))) return endpoint;
  }
  if (data)
    throw new WrongUsage(
      `--data: no runtime that uses ${directory} is up. Start it: npm start -- --data ${data}`,
    );
  return undefined;
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(2_000), redirect: 'error' });
    return true;
  } catch {
    return false;
  }
}
