import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { basicOf, type CreateDesk, type Handler, Refusal, readBody, tokenOf } from '../api.ts';
import { Tokens } from '../credentials.ts';

/** Seconds that a token of the OAuth provider lives unless it is set otherwise. */
const TOKEN_SECONDS = 1799;
/** Resolved incidents are closed after seven days (property glide.ui.autoclose.time). */
const CLOSES_AFTER_MS = 7 * 24 * 3600 * 1000;
const MAX_ROWS = 10_000;

const STATE = { new: '1', resolved: '6', closed: '7', canceled: '8' } as const;
const STATES = ['1', '2', '3', '6', '7', '8'];
const STATUS: Readonly<Record<string, string>> = {
  '1': 'New',
  '2': 'In Progress',
  '3': 'On Hold',
  '6': 'Resolved',
  '7': 'Closed',
  '8': 'Canceled',
};

/** Columns of the incident table that are known here and how much each holds; longer texts are cut, unasked. */
const COLUMNS: Readonly<Record<string, number>> = {
  short_description: 160,
  description: 4000,
  urgency: 40,
  impact: 40,
  state: 40,
  category: 40,
  subcategory: 40,
  contact_type: 40,
  caller_id: 32,
  assignment_group: 32,
  assigned_to: 32,
  cmdb_ci: 32,
  correlation_id: 100,
  correlation_display: 100,
  close_code: 40,
  close_notes: 4000,
  work_notes: 4000,
  comments: 4000,
};

/** Journal fields collect entries and read as empty. */
const JOURNALS = ['work_notes', 'comments'];

const LEVELS = ['1', '2', '3'];
/** The priority look-up of an instance as it is delivered, by impact and urgency. */
const priorityOf = (impact: string, urgency: string) => String(Number(impact) + Number(urgency) - 1);

const Value = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const Body = z.record(z.string(), Value);

type Incident = Readonly<Record<string, string>>;

const failure = (status: number, message: string, detail: string) =>
  new Refusal(status, { error: { message, detail }, status: 'failure' });
const notFound = () =>
  failure(404, 'No Record found', "Record doesn't exist or ACL restricts the record retrieval");

/** ServiceNow: the incident table by the Table API, with OAuth, Basic authentication or an API key. */
export const servicenow: CreateDesk = ({ clock, url, credentials, shelf }) => {
  const tokens = new Tokens();
  const client = { clientId: 'millrace', clientSecret: credentials.secret('clientSecret', 32) };
  const user = { username: 'millrace', password: credentials.secret('password') };
  const apiKey = credentials.secret('apiKey', 24);

  const now = () => new Date(clock.now()).toISOString().slice(0, 19).replace('T', ' ');
  const unauthorized = () => failure(401, 'User Not Authenticated', 'Required to provide Auth information');
  const malformed = () => failure(400, 'Exception while reading request', 'The payload is not valid JSON.');

  const authenticated =
    (handler: Handler): Handler =>
    (request) => {
      const { authorization } = request.headers;
      const basic = basicOf(authorization);
      const good =
        request.headers['x-sn-apikey'] === apiKey ||
        tokens.isGood(tokenOf('Bearer', authorization), clock.now()) ||
        (basic?.user === user.username && basic.password === user.password);
      if (!good) throw unauthorized();
      return handler(request);
    };

  function read(incident: Incident): Incident {
    const closes =
      incident.state === STATE.resolved &&
      clock.now() - Date.parse(`${incident.sys_updated_on?.replace(' ', 'T')}Z`) >= CLOSES_AFTER_MS;
    return closes ? { ...incident, state: STATE.closed } : incident;
  }

  const incidents = () => shelf.all().map(({ record }) => read(Body.parse(record)));

  function find(id = ''): Incident {
    const found = shelf.find(id);
    if (!found) throw notFound();
    return read(Body.parse(found.record));
  }

  /** Known columns of a request, cut to what they hold. */
  function fieldsOf(body: z.output<typeof Body>): Record<string, string> {
    const fields = Object.entries(body).flatMap(([name, value]): [string, string][] => {
      const length = COLUMNS[name];
      return length === undefined ? [] : [[name, value.slice(0, length)]];
    });
    return Object.fromEntries(fields);
  }

  function keep(before: Incident | undefined, given: Record<string, string>): Incident {
    const merged: Record<string, string> = { ...before, ...given };
    const { state = STATE.new, impact = '3', urgency = '3' } = merged;
    for (const [name, value, allowed] of [
      ['state', state, STATES],
      ['impact', impact, LEVELS],
      ['urgency', urgency, LEVELS],
    ] as const) {
      if (!allowed.includes(value)) throw failure(400, 'Invalid value', `${name} has no choice "${value}"`);
    }
    if (!merged.short_description?.trim()) throw dataPolicy(['Short description']);
    if (state === STATE.resolved || state === STATE.closed) {
      const missing = [
        ['close_code', 'Resolution code'],
        ['close_notes', 'Resolution notes'],
      ].flatMap(([name = '', label = '']) => (merged[name]?.trim() ? [] : [label]));
      if (missing.length > 0) throw dataPolicy(missing);
    }
    const id = before?.sys_id ?? randomUUID().replaceAll('-', '');
    const record: Incident = {
      ...merged,
      ...Object.fromEntries(JOURNALS.map((name) => [name, ''])),
      sys_id: id,
      number: before?.number ?? `INC${String(shelf.next('incident')).padStart(7, '0')}`,
      state,
      incident_state: state,
      impact,
      urgency,
      priority: priorityOf(impact, urgency),
      active: String(state !== STATE.closed && state !== STATE.canceled),
      sys_created_on: before?.sys_created_on ?? now(),
      sys_updated_on: now(),
      resolved_at: state === STATE.resolved ? before?.resolved_at || now() : '',
    };
    const said = given.work_notes ?? given.comments ?? given.close_notes ?? given.description;
    shelf.save(
      {
        id,
        externalId: record.correlation_id ?? null,
        title: record.short_description ?? '',
        state: [STATE.resolved, STATE.closed, STATE.canceled].some((end) => end === state)
          ? 'resolved'
          : 'open',
        status: STATUS[state] ?? state,
        priority: record.priority ?? null,
        record,
      },
      said ?? Object.keys(given).join(', '),
    );
    return record;
  }

  const refuse = () =>
    failure(400, 'Exception while reading request', 'Values must be text, numbers or booleans.');
  const chosen = (incident: Incident, fields: string | null) =>
    fields ? Object.fromEntries(fields.split(',').map((name) => [name, incident[name] ?? ''])) : incident;

  const update: Handler = (request) => {
    const before = find(request.params.id);
    const given = fieldsOf(readBody(request, Body, malformed, refuse));
    if (before.state === STATE.closed || before.state === STATE.canceled)
      throw failure(403, 'Operation Failed', 'ACL Exception Update Failed due to security constraints');
    return {
      status: 200,
      body: { result: chosen(keep(before, given), request.query.get('sysparm_fields')) },
    };
  };

  return {
    routes: {
      'POST /oauth_token.do': (request) => {
        const form = new URLSearchParams(request.body);
        const isForm = /^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '');
        const isClient =
          form.get('client_id') === client.clientId && form.get('client_secret') === client.clientSecret;
        if (!isForm || form.get('grant_type') !== 'client_credentials' || !isClient)
          throw new Refusal(401, { error_description: 'access_denied', error: 'server_error' });
        return {
          status: 200,
          body: {
            access_token: tokens.issue(clock.now() + TOKEN_SECONDS * 1000),
            scope: 'useraccount',
            token_type: 'Bearer',
            expires_in: TOKEN_SECONDS,
          },
        };
      },
      'GET /api/now/table/incident': authenticated(({ query }) => {
        const limit = Number(query.get('sysparm_limit') ?? MAX_ROWS);
        const offset = Number(query.get('sysparm_offset') ?? 0);
        const found = select(incidents(), query.get('sysparm_query') ?? '');
        const page = found.slice(offset, offset + limit);
        return {
          status: 200,
          headers: { 'x-total-count': String(found.length) },
          body: { result: page.map((incident) => chosen(incident, query.get('sysparm_fields'))) },
        };
      }),
      'POST /api/now/table/incident': authenticated((request) => {
        const given = fieldsOf(readBody(request, Body, malformed, refuse));
        const incident = keep(undefined, given);
        return {
          status: 201,
          headers: { location: `${url}/api/now/table/incident/${incident.sys_id}` },
          body: { result: chosen(incident, request.query.get('sysparm_fields')) },
        };
      }),
      'GET /api/now/table/incident/:id': authenticated(({ params, query }) => ({
        status: 200,
        body: { result: chosen(find(params.id), query.get('sysparm_fields')) },
      })),
      'PATCH /api/now/table/incident/:id': authenticated(update),
      'PUT /api/now/table/incident/:id': authenticated(update),
      'GET /nav_to.do': ({ query }) => {
        const id = /sys_id=([0-9a-f]{32})/.exec(query.get('uri') ?? '')?.[1];
        return { status: 302, headers: { location: `/#servicenow-${id}` } };
      },
    },
    connections: [
      { url, ...client },
      { url, ...user },
      { url, apiKey },
    ],
    unavailable: () => ({
      status: 503,
      body: {
        error: { message: 'Transaction cancelled: maximum execution time exceeded', detail: '' },
        status: 'failure',
      },
    }),
    throttled: (seconds) => ({
      status: 429,
      headers: { 'retry-after': String(seconds), 'x-ratelimit-limit': '500' },
      body: {
        error: { message: 'Rate limit exceeded', detail: 'Rejected by rate limit rule' },
        status: 'failure',
      },
    }),
    unauthorized: () => unauthorized().response,
    missing: () => failure(400, 'Requested URI does not represent any resource', '').response,
  };
};

const dataPolicy = (fields: readonly string[]) =>
  failure(
    403,
    'Operation Failed',
    `Data Policy Exception: The following fields are mandatory: ${fields.join(', ')}`,
  );

const OPERATORS: Readonly<Record<string, (actual: string, wanted: string) => boolean>> = {
  '=': (actual, wanted) => actual === wanted,
  '!=': (actual, wanted) => actual !== wanted,
  IN: (actual, wanted) => wanted.split(',').includes(actual),
  'NOT IN': (actual, wanted) => !wanted.split(',').includes(actual),
};
const CONDITION = /^([a-z_]+)(!=|=|NOT IN|IN)(.*)$/s;

/**
 * Rows of an encoded query, conditions joined by `^`. ServiceNow leaves a condition out that it does not understand,
 * and answers with every row; here that is an error, because nobody wants it.
 */
function select(incidents: readonly Incident[], encoded: string): Incident[] {
  let rows = [...incidents];
  for (const part of encoded.split('^').filter(Boolean)) {
    const [, direction, column] = /^ORDERBY(DESC)?([a-z_]+)$/.exec(part) ?? [];
    if (column) {
      rows.sort((a, b) => (a[column] ?? '').localeCompare(b[column] ?? '') * (direction ? -1 : 1));
      continue;
    }
    const [, name = '', operator = '', wanted = ''] = CONDITION.exec(part) ?? [];
    const holds = OPERATORS[operator];
    if (!holds || !(name in COLUMNS || ['sys_id', 'number', 'active', 'priority'].includes(name)))
      throw failure(400, 'Invalid query', `The condition ${part} would be left out.`);
    rows = rows.filter((row) => holds(row[name] ?? '', wanted));
  }
  return rows;
}
