import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Desk, Provider, ProviderName, Route } from './contract.ts';
import type { CurrentItem } from './ticket.ts';

/** How long a connection is used before its secret is read again, milliseconds. */
const CONNECTED_MS = 5 * 60_000;
/** The same for a desk that nobody has connected yet: somebody may be about to. */
const UNCONNECTED_MS = 30_000;

export interface DesksDependencies {
  readonly secrets: Pick<SecretsManagerClient, 'send'>;
  /** Makes the provider of a connection. @throws DeskRefused for a connection that is not whole */
  readonly connect: (name: ProviderName, connection: unknown) => Provider;
  /** Whether anybody has put a connection into a secret. */
  readonly isConnected: (connection: unknown) => boolean;
  readonly now: () => number;
}

/** The desks of this deployment, their connections read from Secrets Manager when they are needed. */
export class Desks {
  readonly #desks: readonly Desk[];
  readonly #routes: readonly Route[];
  readonly #dependencies: DesksDependencies;
  readonly #kept = new Map<string, { readonly provider: Promise<Provider | undefined>; until: number }>();
  readonly #paused = new Map<string, number>();

  constructor(desks: readonly Desk[], routes: readonly Route[], dependencies: DesksDependencies) {
    this.#desks = desks;
    this.#routes = routes;
    this.#dependencies = dependencies;
  }

  /** Desks that a ticket goes to: those of every route that matches, and those that have it already. */
  of({ Pipeline, Severity, Desks: had }: CurrentItem): readonly Desk[] {
    const takes = <Value>(values: readonly Value[] | undefined, value: Value) =>
      values?.includes(value) ?? true;
    const routed = this.#routes
      .filter(({ pipelines, severities }) => takes(pipelines, Pipeline) && takes(severities, Severity))
      .flatMap(({ desks }) => desks);
    const everywhere = this.#routes.length === 0;
    return this.#desks.filter(
      ({ name }) => everywhere || routed.includes(name) || had[name]?.State === 'OPEN',
    );
  }

  /**
   * The provider of a desk, or undefined while nobody has connected it.
   * @throws DeskRefused when its connection is not whole
   */
  async provider(desk: Desk): Promise<Provider | undefined> {
    const { now } = this.#dependencies;
    const known = this.#kept.get(desk.name);
    if (known && now() < known.until) return known.provider;
    const entry = { provider: this.#connect(desk), until: now() + UNCONNECTED_MS };
    this.#kept.set(desk.name, entry);
    try {
      const provider = await entry.provider;
      if (provider) entry.until = now() + CONNECTED_MS;
      return provider;
    } catch (error) {
      this.forget(desk);
      throw error;
    }
  }

  /** Reads the secret of a desk again when it is needed next: what it held was refused. */
  forget({ name }: Desk): void {
    this.#kept.delete(name);
  }

  /** Leaves a desk alone that takes no more requests, whatever the ticket. */
  pause({ name }: Desk, until: number): void {
    this.#paused.set(name, until);
  }

  /** Milliseconds since 1970; 0 for a desk that may be told. */
  pausedUntil({ name }: Desk): number {
    return this.#paused.get(name) ?? 0;
  }

  async #connect({ provider, secretArn }: Desk): Promise<Provider | undefined> {
    const { secrets, connect, isConnected } = this.#dependencies;
    const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: secretArn }));
    const connection = jsonOf(SecretString);
    return isConnected(connection) ? connect(provider, connection) : undefined;
  }
}

/** What is no JSON is no connection; it is not quoted because it may be a password. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
