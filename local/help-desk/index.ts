import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Connection, DeskApi, DeskRequest, DeskResponse } from './api.ts';
import { createCredentials } from './credentials.ts';
import { type Fault, type FaultKind, Faults, faultRoutes } from './faults.ts';
import { page } from './page.ts';
import { DESK_NAMES, DESKS, type DeskName, isDeskName } from './providers/index.ts';
import { type Answer, DeskServer, handle, isForThisMachine, NONSENSE, router } from './server.ts';
import { type LocalTicket, type OnChange, TicketStore } from './store.ts';

export type { Connection } from './api.ts';
export type { Fault, FaultKind } from './faults.ts';
export { DESK_NAMES, type DeskName, isDeskName } from './providers/index.ts';
export type { Change, ChangeKind, LocalTicket } from './store.ts';

export interface HelpDeskOptions {
  /** Its own folder below it is made. */
  readonly dataDir: string;
  readonly clock: Clock;
  /** 0, or one that is taken, gives a free one. @default 0 */
  readonly port?: number | undefined;
  /** Asked at each request for what else goes wrong with it. */
  readonly disturb?: () => FaultKind | undefined;
  readonly warn?: (message: string) => void;
}

/** Help desks of our own: one server that speaks the API of each product below its name. */
export interface HelpDesk {
  /** For people; the desks are below it, for example `<url>/zendesk`. */
  readonly url: string;
  /** What the secret of a desk of this kind may hold, the usual way first. */
  connections(desk: DeskName): readonly [Connection, ...Connection[]];
  /** Every ticket, oldest first. */
  tickets(): LocalTicket[];
  /** Sees each change of a ticket from now on; the returned function ends it. */
  onChange(listener: OnChange): () => void;
  /** Switches a fault on; the returned function ends it. */
  fault(fault: Fault): () => void;
  /** Ends every fault. */
  mend(): void;
  stop(): Promise<void>;
}

/** Starts the help desks. Tickets and credentials are kept in the data directory. */
export async function startHelpDesk(options: HelpDeskOptions): Promise<HelpDesk> {
  const { clock, warn = (message: string) => process.stderr.write(`${message}\n`) } = options;
  const directory = join(options.dataDir, 'help-desk');
  const listeners = new Set<OnChange>();
  const store = new TicketStore(directory, clock, (ticket, change) => {
    for (const listener of listeners) listener(ticket, change);
  });
  const faults = new Faults(clock);
  const desks = new Map<DeskName, { api: DeskApi; find: ReturnType<typeof router> }>();

  const server = new DeskServer(serve, warn);
  const url = `http://127.0.0.1:${await server.listen(options.port ?? 0)}`;
  const credentials = createCredentials(directory);
  for (const name of DESK_NAMES) {
    const api = DESKS[name]({
      clock,
      url: `${url}/${name}`,
      credentials: credentials.of(name),
      shelf: store.shelf(name),
    });
    desks.set(name, { api, find: router(api.routes) });
  }

  function serve(request: DeskRequest): Answer {
    const [, name = '', rest = ''] = /^\/([^/]*)(.*)$/.exec(request.path) ?? [];
    const desk = isDeskName(name) ? desks.get(name) : undefined;
    if (!desk) return answer(control(request));
    const asked = { ...request, path: rest || '/' };
    // People who look at a ticket in a browser meet no fault.
    const isPage = request.method === 'GET' && !/^\/(api|rest|jsm)\//.test(rest);
    const fault = isPage ? undefined : faults.meet(name);
    switch (fault?.kind ?? (isPage ? undefined : options.disturb?.())) {
      case undefined:
        return answer(handle(desk.api, desk.find, asked));
      case 'down':
        return { kind: 'hang-up' };
      case 'slow':
        return { kind: 'silence' };
      case 'lost-answer':
        handle(desk.api, desk.find, asked);
        return { kind: 'hang-up' };
      case 'truncated':
        return { kind: 'truncated', response: handle(desk.api, desk.find, asked) };
      case 'throttled':
        return answer(desk.api.throttled(fault?.retryAfter ?? 1));
      case 'unauthorized':
        return answer(desk.api.unauthorized());
      case 'nonsense':
        return answer(NONSENSE);
      case 'server-error':
        return answer(desk.api.unavailable());
    }
  }

  /** The server's own pages: tickets for people and for programs, and the switches of the faults. */
  function control(request: DeskRequest): DeskResponse {
    if (!isForThisMachine(request)) return { status: 421 };
    const respond = CONTROL[`${request.method} ${request.path}`];
    return respond?.(request) ?? { status: 404, body: { error: 'There is nothing at this address.' } };
  }

  const CONTROL: Readonly<Record<string, (request: DeskRequest) => DeskResponse>> = {
    'GET /': () => ({
      status: 200,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
      },
      body: page(store.all()),
    }),
    'GET /tickets': () => ({ status: 200, body: { tickets: store.all() } }),
    ...faultRoutes(faults),
  };

  return {
    url,
    connections(name) {
      const desk = desks.get(name);
      if (!desk) throw new Error(`There is no desk ${name}.`);
      return desk.api.connections;
    },
    tickets: () => store.all(),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    fault: (fault) => faults.add(fault),
    mend: () => faults.clear(),
    async stop() {
      await server.close();
      store.close();
    },
  };
}

const answer = (response: DeskResponse): Answer => ({ kind: 'response', response });
