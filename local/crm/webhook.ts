import { createHmac, randomInt, randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { iso } from './people.ts';
import type { Happening, Ticket } from './tickets.ts';

/** Where events go, and the secret that signs them. */
export interface Subscription {
  readonly url: string;
  readonly secret: string;
}

/** What became of one attempt to deliver an event. */
export interface Delivery {
  readonly invocationId: string;
  readonly ticketId: number;
  readonly type: string;
  readonly attempt: number;
  /** 0 where nothing answered. */
  readonly status: number;
}

const ACCOUNT_ID = 4711;
const WEBHOOK_ID = '01F1KRFQ6BG29CNWFR60NK5FNY';
const TIMEOUT_MS = 12_000;
/** Zendesk tries again three times (Zendesk API, "Webhook retries"). */
const ATTEMPTS = 4;
const RETRY_SECONDS = 5;
/** Whoever asks it to wait longer is not asked again. */
const LONGEST_WAIT_SECONDS = 60;

/** A request of a webhook, signed: `base64(HMAC-SHA256(timestamp + body))`. */
export function signedRequest(
  event: unknown,
  options: { secret: string; now: number; invocationId?: string },
): { body: string; headers: Record<string, string> } {
  const body = JSON.stringify(event);
  const timestamp = iso(options.now);
  return {
    body,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-zendesk-account-id': String(ACCOUNT_ID),
      'x-zendesk-webhook-id': WEBHOOK_ID,
      'x-zendesk-webhook-invocation-id': options.invocationId ?? String(randomInt(1, 2 ** 40)),
      'x-zendesk-webhook-signature': createHmac('sha256', options.secret)
        .update(timestamp + body)
        .digest('base64'),
      'x-zendesk-webhook-signature-timestamp': timestamp,
    },
  };
}

/** What Zendesk tells of something that happened to a ticket (Zendesk API, "Ticket events"). */
export function eventOf({ ticket, change, before }: Happening): Record<string, unknown> {
  const [type, event] = kindOf({ ticket, change, before });
  return {
    type: `zen:event-type:ticket.${type}`,
    account_id: ACCOUNT_ID,
    id: randomUUID(),
    time: iso(change.at),
    zendesk_event_version: '2022-11-06',
    subject: `zen:ticket:${ticket.id}`,
    detail: detailOf(ticket, before),
    event: { meta: { sequence: { id: randomUUID(), position: 1, total: 1 } }, ...event },
  };
}

function kindOf({ ticket: { fields }, change: { set, comment }, before }: Happening): [string, object] {
  if (!before) return ['created', {}];
  if (fields.status === 'deleted') return ['soft_deleted', {}];
  if (set.status && set.status !== before.status)
    return ['status_changed', { current: set.status.toUpperCase(), previous: before.status.toUpperCase() }];
  if (set.priority && set.priority !== before.priority)
    return [
      'priority_changed',
      { current: set.priority.toUpperCase(), previous: before.priority?.toUpperCase() ?? null },
    ];
  if (set.subject) return ['subject_changed', { current: set.subject, previous: before.subject }];
  if (set.tags) {
    const gone = before.tags.filter((tag) => !set.tags?.includes(tag));
    return ['tags_changed', { added: { tags: set.tags }, removed: { tags: gone } }];
  }
  return ['comment_added', { comment: { id: '1', body: comment ?? '', is_public: true } }];
}

/** Ids are text here, and states in capitals, other than in the API. */
function detailOf({ id, fields, createdAt, updatedAt }: Ticket, before: unknown) {
  const text = (value: number | null) => (value === null ? null : String(value));
  return {
    actor_id: text(before ? fields.assignee_id : fields.requester_id),
    assignee_id: text(fields.assignee_id),
    brand_id: '1',
    created_at: iso(createdAt),
    custom_status: '1',
    description: fields.description,
    external_id: fields.external_id,
    form_id: '1',
    group_id: null,
    id: String(id),
    is_public: true,
    organization_id: text(fields.organization_id),
    priority: fields.priority?.toUpperCase() ?? null,
    requester_id: text(fields.requester_id),
    status: fields.status.toUpperCase(),
    subject: fields.subject,
    submitter_id: text(fields.requester_id),
    tags: fields.tags,
    type: fields.type?.toUpperCase() ?? null,
    updated_at: iso(updatedAt),
    via: { channel: fields.channel },
  };
}

/** Delivers events to one subscription, one after the other. */
export class Webhook {
  readonly #clock: Clock;
  readonly #listeners = new Set<(delivery: Delivery) => void>();
  #subscription: Subscription | undefined;
  #queue: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Replaces the subscription; undefined ends it. */
  subscribe(subscription: Subscription | undefined): void {
    this.#subscription = subscription;
  }

  get isSubscribed(): boolean {
    return this.#subscription !== undefined;
  }

  onDelivery(listener: (delivery: Delivery) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Delivers what happened, behind everything before it. */
  send(happenings: readonly Happening[]): Promise<void> {
    if (!this.#subscription) return this.#queue;
    for (const happening of happenings) this.#queue = this.#queue.then(() => this.#deliver(happening));
    return this.#queue;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#queue;
  }

  async #deliver(happening: Happening): Promise<void> {
    const event = eventOf(happening);
    const invocationId = String(randomInt(1, 2 ** 40));
    for (let attempt = 1; attempt <= ATTEMPTS && !this.#stop.signal.aborted; attempt++) {
      const subscription = this.#subscription;
      if (!subscription) return;
      const { secret, url } = subscription;
      const request = signedRequest(event, { secret, now: this.#clock.now(), invocationId });
      const { status, retryAfter } = await this.#post(url, request);
      const type = String(event.type);
      for (const listener of this.#listeners) {
        listener({ invocationId, ticketId: happening.ticket.id, type, attempt, status });
      }
      const wait = waitOf(status, retryAfter);
      if (wait === undefined) return;
      if (attempt < ATTEMPTS) await this.#pause(wait);
    }
  }

  /** @returns the status; 0 where nothing answered */
  async #post(
    url: string,
    { headers, body }: ReturnType<typeof signedRequest>,
  ): Promise<{ status: number; retryAfter: string | null }> {
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const response = await fetch(url, { method: 'POST', headers, body, signal });
      await response.arrayBuffer();
      return { status: response.status, retryAfter: response.headers.get('retry-after') };
    } catch {
      return { status: 0, retryAfter: null };
    }
  }

  #pause(seconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(seconds * 1000, resolve);
    this.#stop.signal.addEventListener('abort', () => {
      cancel();
      resolve();
    });
    return promise;
  }
}

/** Seconds until the next attempt: after a time-out, 409, and 429 or 503 that say when. Other answers are final. */
function waitOf(status: number, retryAfter: string | null): number | undefined {
  if (status === 0 || status === 409) return RETRY_SECONDS;
  const isBusy = status === 429 || status === 503;
  const asked = retryAfter === null ? Number.NaN : Number(retryAfter);
  return isBusy && asked < LONGEST_WAIT_SECONDS ? asked : undefined;
}
