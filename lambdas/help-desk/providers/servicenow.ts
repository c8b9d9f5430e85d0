import * as z from 'zod/mini';
import type { Severity } from '../../shared/contract.ts';
import type { HttpClient } from '../../shared/http/client.ts';
import { type AccessToken, basic, type Credentials, fixed, oauth } from '../../shared/http/credentials.ts';
import type { DeskTicket, Provider, Ticket } from '../contract.ts';
import { TicketGone } from '../errors.ts';
import { address, connectionOf, has, text } from './connection.ts';
import { type Answer, createDesk } from './desk.ts';
import { blocksOf, type Change, plain, titleOf } from './text.ts';

/** The value of `close_code` is the instance's own choice; older releases call it `Solved (Permanently)`. */
const common = { url: address, closeCode: z._default(text, 'Solution provided') };
const ByKey = z.object({ ...common, apiKey: text });
const ByUser = z.object({ ...common, username: text, password: text });
const ByClient = z.object({ ...common, clientId: text, clientSecret: text });

const Token = z.object({ access_token: text, expires_in: z.optional(z.number()) });
const Incident = z.object({ sys_id: z.string().check(z.regex(/^[0-9a-f]{32}$/)), state: z.string() });
const IncidentAnswer = z.object({ result: Incident });
const IncidentsAnswer = z.object({
  result: z.array(z.extend(Incident, { correlation_id: z.string() })),
});

const STATE = { inProgress: '2', resolved: '6', closed: '7', canceled: '8' } as const;

/** Impact and urgency, from which ServiceNow makes the priority: 1 and 1 are critical, 3 and 3 are planning. */
const WEIGHT: Readonly<Record<Severity, { impact: string; urgency: string }>> = {
  critical: { impact: '1', urgency: '1' },
  error: { impact: '2', urgency: '1' },
  warning: { impact: '2', urgency: '2' },
  info: { impact: '3', urgency: '3' },
};

/** Characters that the fields of an incident take by default. */
const LONGEST = { shortDescription: 160, description: 4_000, notes: 4_000 } as const;

/**
 * ServiceNow incidents by the Table API
 * (https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html), authorised by a REST API key
 * (`x-sn-apikey`), a user, or OAuth client credentials.
 *
 * Opening twice finds the first incident by `correlation_id`, which the table answers at once; ServiceNow keeps two at
 * the same time apart no more than that. A resolved incident goes back to In Progress; one that is closed or cancelled
 * is read-only.
 */
export function servicenow(connection: unknown, http: HttpClient): Provider {
  const { url, closeCode, credentials, secrets } = connect(connection, http);
  const desk = createDesk({ name: 'ServiceNow', http, credentials, secrets });
  const table = `${url}/api/now/table/incident`;
  const record = (id: string) => `${table}/${encodeURIComponent(id)}?sysparm_fields=sys_id,state`;
  const at = (id: string): DeskTicket => ({
    id,
    url: `${url}/nav_to.do?uri=${encodeURIComponent(`incident.do?sys_id=${id}`)}`,
  });
  const notes = (ticket: Ticket, change: Change) => inert(plain(blocksOf(ticket, change), LONGEST.notes));

  /** The incident that an earlier attempt has opened, closed ones left out. */
  async function find(externalId: string): Promise<DeskTicket | undefined> {
    const query = new URLSearchParams({
      sysparm_query: `correlation_id=${externalId}^stateNOT IN${STATE.closed},${STATE.canceled}`,
      sysparm_fields: 'sys_id,state,correlation_id',
      sysparm_limit: '1',
    });
    const answer = await desk.call({ method: 'GET', url: `${table}?${query}` });
    // A query that an instance does not understand is answered with every incident.
    const found = desk
      .read(IncidentsAnswer, answer)
      .result.find(({ correlation_id }) => correlation_id === externalId);
    return found && at(found.sys_id);
  }

  /** Changes an incident. @returns whether it takes changes at all */
  async function change(id: string, changes: Record<string, string>): Promise<boolean> {
    const answer = await desk.call({
      method: 'PATCH',
      url: record(id),
      json: changes,
      expects: ({ status }) => status === 404,
    });
    if (answer.status === 404) return false;
    desk.read(IncidentAnswer, answer);
    return true;
  }

  /** Whether the incident exists and is neither closed nor cancelled. */
  async function isAlive(id: string): Promise<boolean> {
    const answer: Answer = await desk.call({
      method: 'GET',
      url: record(id),
      expects: ({ status }) => status === 404,
    });
    if (answer.status === 404) return false;
    const { state } = desk.read(IncidentAnswer, answer).result;
    return state !== STATE.closed && state !== STATE.canceled;
  }

  return {
    open: async (ticket) => {
      const known = await find(ticket.externalId);
      if (known) return known;
      const answer = await desk.call({
        method: 'POST',
        url: `${table}?sysparm_fields=sys_id,state`,
        json: {
          short_description: titleOf(ticket, LONGEST.shortDescription),
          description: plain(blocksOf(ticket, 'open'), LONGEST.description),
          ...WEIGHT[ticket.severity],
          correlation_id: ticket.externalId,
          correlation_display: 'Millrace',
        },
      });
      return at(desk.read(IncidentAnswer, answer).result.sys_id);
    },
    update: async (ticket, { id }) => {
      const changes = { ...WEIGHT[ticket.severity], work_notes: notes(ticket, 'update') };
      if (!((await isAlive(id)) && (await change(id, changes)))) {
        throw new TicketGone(`ServiceNow incident ${id} is closed, cancelled or deleted.`);
      }
    },
    resolve: async (ticket, { id }) => {
      // One that is closed, cancelled or deleted is over already.
      if (!(await isAlive(id))) return;
      await change(id, {
        state: STATE.resolved,
        close_code: closeCode,
        close_notes: notes(ticket, 'resolve'),
      });
    },
    reopen: async (ticket, here) => {
      if (!(await isAlive(here.id))) return undefined;
      const changes = {
        state: STATE.inProgress,
        ...WEIGHT[ticket.severity],
        work_notes: notes(ticket, 'reopen'),
      };
      return (await change(here.id, changes)) ? here : undefined;
    },
  };
}

interface Connected {
  readonly url: string;
  readonly closeCode: string;
  readonly credentials: Credentials;
  readonly secrets: readonly string[];
}

function connect(connection: unknown, http: HttpClient): Connected {
  const name = 'ServiceNow';
  if (has(connection, 'apiKey')) {
    const { apiKey, ...rest } = connectionOf(name, ByKey, connection);
    return { ...rest, credentials: fixed({ 'x-sn-apikey': apiKey }), secrets: [apiKey] };
  }
  if (has(connection, 'username')) {
    const { username, password, ...rest } = connectionOf(name, ByUser, connection);
    return { ...rest, credentials: fixed(basic(username, password)), secrets: [password] };
  }
  const { clientId, clientSecret, ...rest } = connectionOf(name, ByClient, connection);
  const secrets = [clientSecret];
  const server = createDesk({ name, http, secrets });
  const fetch = async (): Promise<AccessToken> => {
    const answer = await server.call({
      method: 'POST',
      url: `${rest.url}/oauth_token.do`,
      form: { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret },
    });
    const { access_token, expires_in } = server.read(Token, answer);
    return { token: access_token, expiresIn: expires_in };
  };
  return {
    ...rest,
    credentials: oauth({ identity: [rest.url, clientId, clientSecret], fetch, now: http.now }),
    secrets,
  };
}

/** Journal fields show what is between `[code]` tags as HTML. */
function inert(notes: string): string {
  return notes.replace(/\[(\/?)code\]/gi, '($1code)');
}
