import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Connection, DeskRequest, DeskResponse, Handler } from '../help-desk/api.ts';
import { createCredentials } from '../help-desk/credentials.ts';
import { type Fault, type FaultKind, Faults, faultRoutes } from '../help-desk/faults.ts';
import { type Answer, DeskServer, handle, isForThisMachine, NONSENSE, router } from '../help-desk/server.ts';
import { crmApi } from './api.ts';
import { TICKETS_AT_START } from './life.ts';
import { type Ticket, Tickets } from './tickets.ts';
import { type Delivery, type Subscription, Webhook } from './webhook.ts';

export type { Connection } from '../help-desk/api.ts';
export type { Ticket } from './tickets.ts';
export { type Delivery, eventOf, type Subscription, signedRequest } from './webhook.ts';

export interface CrmOptions {
  /** Its own folder below it is made. */
  readonly dataDir: string;
  readonly clock: Clock;
  /** 0, or one that is taken, gives a free one. @default 0 */
  readonly port?: number | undefined;
  /** Which tickets there are. @default 1 */
  readonly seed?: number;
  /** How many of them from the start. @default 3000 */
  readonly tickets?: number | undefined;
  /** Asked at each request for what else goes wrong with it. */
  readonly disturb?: () => FaultKind | undefined;
  readonly warn?: (message: string) => void;
}

/** A CRM of our own: Zendesk's API over tickets that are made up and change as time goes by. */
export interface Crm {
  readonly url: string;
  /** What the secret of the CRM holds. */
  readonly connection: Connection;
  /** The signing secret of its webhook. */
  readonly webhookSecret: string;
  /** Every ticket that there is by now. */
  tickets(): Ticket[];
  /** Changes a ticket as an agent would. */
  change(id: number, set: Partial<Ticket['fields']>, comment?: string): Ticket;
  /** Sends each change of a ticket from now on there; undefined ends that. */
  subscribe(subscription: Subscription | undefined): void;
  /** Sends what has happened by now, as it does by itself, and waits until everything is delivered or given up. */
  deliver(): Promise<void>;
  /** Sees each attempt to deliver an event; the returned function ends it. */
  onDelivery(listener: (delivery: Delivery) => void): () => void;
  /** Switches a fault on; the returned function ends it. */
  fault(fault: Fault): () => void;
  /** Ends every fault. */
  mend(): void;
  stop(): Promise<void>;
}

/** Its name where faults ask for one. */
const NAME = 'crm';

/**
 * Starts the CRM. A few thousand tickets of the last three months are there from the start, and more come; what somebody
 * changes is kept in the data directory, and so is when it all began.
 */
export async function startCrm(options: CrmOptions): Promise<Crm> {
  const { clock, warn = (message: string) => process.stderr.write(`${message}\n`) } = options;
  const directory = join(options.dataDir, 'crm');
  const faults = new Faults(clock);
  const webhook = new Webhook(clock);
  const credentials = createCredentials(directory).of(NAME);
  const client = { clientId: 'millrace', clientSecret: credentials.secret('clientSecret', 32) };

  const server = new DeskServer(serve, warn);
  const url = `http://127.0.0.1:${await server.listen(options.port ?? 0)}`;
  const tickets = new Tickets({
    directory,
    seed: options.seed ?? 1,
    atStart: options.tickets ?? TICKETS_AT_START,
    url,
    now: () => clock.now(),
  });
  const api = crmApi({
    clock,
    url,
    client,
    tickets,
    onChange: (happening) => void webhook.send([happening]),
  });
  const find = router(api.routes);

  let delivered = clock.now();
  let cancel = () => {};
  function deliver(): Promise<void> {
    const until = clock.now();
    const happened = tickets.between(delivered, until);
    delivered = until;
    return webhook.send(happened);
  }
  function arm(): void {
    cancel();
    if (!webhook.isSubscribed) return;
    const now = clock.now();
    cancel = clock.after(tickets.nextAfter(now) - now, () => {
      void deliver();
      arm();
    });
  }

  const routes: Readonly<Record<string, Handler>> = {
    'GET /': () => ({
      status: 200,
      body: `A CRM of this machine that speaks Zendesk's API: ${tickets.all().length} tickets.\n`,
    }),
    ...faultRoutes(faults),
  };

  function serve(request: DeskRequest): Answer {
    const control = routes[`${request.method} ${request.path}`];
    if (control) return answer(isForThisMachine(request) ? control(request) : { status: 421 });
    const fault = faults.meet(NAME);
    switch (fault?.kind ?? options.disturb?.()) {
      case undefined:
        return answer(handle(api, find, request));
      case 'down':
        return { kind: 'hang-up' };
      case 'slow':
        return { kind: 'silence' };
      case 'lost-answer':
        handle(api, find, request);
        return { kind: 'hang-up' };
      case 'truncated':
        return { kind: 'truncated', response: handle(api, find, request) };
      case 'throttled':
        return answer(api.throttled(fault?.retryAfter ?? 1));
      case 'unauthorized':
        return answer(api.unauthorized());
      case 'nonsense':
        return answer(NONSENSE);
      case 'server-error':
        return answer(api.unavailable());
    }
  }

  const [connection] = api.connections;
  return {
    url,
    connection,
    webhookSecret: credentials.secret('webhookSecret', 32),
    tickets: () => tickets.all(),
    change(id, set, comment) {
      const happening = tickets.change(id, set, comment);
      void webhook.send([happening]);
      return happening.ticket;
    },
    subscribe(subscription) {
      delivered = clock.now();
      webhook.subscribe(subscription);
      arm();
    },
    deliver,
    onDelivery: (listener) => webhook.onDelivery(listener),
    fault: (fault) => faults.add(fault),
    mend: () => faults.clear(),
    async stop() {
      cancel();
      await server.close();
      await webhook.stop();
    },
  };
}

const answer = (response: DeskResponse): Answer => ({ kind: 'response', response });
