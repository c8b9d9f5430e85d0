import { z } from 'zod';
import { basicOf, type CreateDesk, type Handler, memberOf, Refusal, readBody } from '../api.ts';
import type { LocalTicket } from '../store.ts';

const PROJECT = 'OPS';
const ISSUE_TYPES = ['Task', 'Bug', 'Story', 'Incident'];
const PRIORITIES = ['Highest', 'High', 'Medium', 'Low', 'Lowest'];
const MAX_TEXT = 32_767;
const MAX_PAGE = 5000;

/** The simplified workflow: from each status to each. */
const TRANSITIONS = [
  { id: '11', name: 'To Do', category: 'new' },
  { id: '21', name: 'In Progress', category: 'indeterminate' },
  { id: '31', name: 'Done', category: 'done' },
] as const;
type Status = (typeof TRANSITIONS)[number];

/** A document in the Atlassian Document Format, as far as its shape goes. */
const Node: z.ZodType<{ type: string; text?: string | undefined; content?: unknown[] | undefined }> = z.lazy(
  () =>
    z.object({
      type: z.string(),
      text: z.string().min(1).optional(),
      attrs: z.record(z.string(), z.unknown()).optional(),
      marks: z.array(z.object({ type: z.string() })).optional(),
      content: z.array(Node).optional(),
    }),
);
const Document = z
  .object({ type: z.literal('doc'), version: z.literal(1), content: z.array(Node) })
  .refine((document) => plain(document).length <= MAX_TEXT, `must not exceed ${MAX_TEXT} characters`);

const OneOf = (names: readonly string[]) => z.object({ name: z.enum(names) });

/** Fields of the screens of the project; another is refused. */
const Fields = z.strictObject({
  project: z.object({ key: z.literal(PROJECT) }),
  issuetype: OneOf(ISSUE_TYPES),
  summary: z
    .string()
    .trim()
    .min(1)
    .max(255)
    .refine(
      (summary) => !/[\r\n]/.test(summary),
      'The summary is invalid because it contains newline characters.',
    ),
  description: Document.optional(),
  labels: z
    .array(
      z
        .string()
        .max(255)
        .refine((label) => !/\s/.test(label), "The label can't contain spaces."),
    )
    .optional(),
  priority: OneOf(PRIORITIES).optional(),
});
const Create = z.object({ fields: Fields });
const CommentBody = z.object({ body: Document });
const Edit = z.object({
  fields: Fields.omit({ project: true, issuetype: true }).partial().default({}),
});
const Transition = z.object({
  transition: z.object({ id: z.string() }),
  // The transitions of this workflow have no screen.
  fields: z.strictObject({}).optional(),
  update: z.object({ comment: z.array(z.object({ add: CommentBody })).optional() }).optional(),
});
const Search = z.object({
  jql: z.string().optional(),
  fields: z.array(z.string()).optional(),
  maxResults: z.int().min(1).max(MAX_PAGE).default(50),
  nextPageToken: z.string().optional(),
});

function plain(node: unknown): string {
  const { text = '', content = [] } = Object(node);
  return `${text}${Array.isArray(content) ? content.map(plain).join(' ') : ''}`;
}

const wrong = (status: number, errorMessages: readonly string[], errors: Record<string, string> = {}) =>
  new Refusal(status, { errorMessages, errors });
const malformed = () =>
  wrong(400, ['There was an error parsing JSON. Check that your request body is valid.']);
const refuse = (issues: readonly z.core.$ZodIssue[]) => {
  const errors = issues.flatMap((issue): [string, string][] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => [
          key,
          `Field '${key}' cannot be set. It is not on the appropriate screen, or unknown.`,
        ])
      : [[memberOf(issue).replace(/^fields\.(\w+).*/, '$1'), messageOf(issue)]],
  );
  return wrong(400, [], Object.fromEntries(errors));
};
const MESSAGES: Readonly<Record<string, string>> = {
  'fields.summary': 'You must specify a summary of the issue.',
  'fields.project': 'Specify a valid project ID or key',
  'fields.issuetype': 'Specify a valid issue type',
  'fields.description': 'Operation value must be an Atlassian Document (see the Atlassian Document Format)',
  body: 'Comment body is not valid!',
};
const messageOf = (issue: z.core.$ZodIssue) =>
  (issue.code === 'invalid_type' && MESSAGES[issue.path.slice(0, 2).join('.')]) || issue.message;

/** Jira Cloud: issues, comments, transitions and search (REST API v3). */
export const jira: CreateDesk = ({ url, credentials, shelf, clock }) => {
  const account = { email: 'millrace@example.com', apiToken: credentials.secret('apiToken', 24) };

  const unauthorized = () =>
    wrong(401, ['You do not have the permission to see the specified issue.', 'Login Required']);
  const authenticated =
    (handler: Handler): Handler =>
    (request) => {
      const basic = basicOf(request.headers.authorization);
      if (basic?.user !== account.email || basic.password !== account.apiToken) throw unauthorized();
      return handler(request);
    };

  const find = (idOrKey = ''): LocalTicket => {
    const found = shelf.find(idOrKey) ?? shelf.all().find(({ record }) => record.id === idOrKey);
    if (!found) throw wrong(404, ['Issue does not exist or you do not have permission to see it.']);
    return found;
  };

  const statusOf = (ticket: LocalTicket): Status =>
    TRANSITIONS.find(({ name }) => name === ticket.status) ?? TRANSITIONS[0];

  const shown = (ticket: LocalTicket, fields?: readonly string[]) => {
    const { id, fields: given } = ticket.record;
    const status = statusOf(ticket);
    const all: Record<string, unknown> = {
      ...Object(given),
      status: { id: status.id, name: status.name, statusCategory: { key: status.category } },
      created: ticket.openedAt,
      updated: ticket.updatedAt,
    };
    const wanted = fields?.includes('*all') ? undefined : fields;
    return {
      id,
      key: ticket.id,
      self: `${url}/rest/api/3/issue/${id}`,
      fields: wanted
        ? Object.fromEntries(wanted.filter((name) => name in all).map((name) => [name, all[name]]))
        : all,
    };
  };

  function search(request: Pick<z.output<typeof Search>, 'jql' | 'fields' | 'maxResults' | 'nextPageToken'>) {
    const found = select(shelf.all(), request.jql ?? '', statusOf);
    const from = Number(request.nextPageToken ?? 0);
    const end = from + request.maxResults;
    return {
      status: 200,
      body: {
        // Without a wish, only ids are told.
        issues: found
          .slice(from, end)
          .map((ticket) => (request.fields ? shown(ticket, request.fields) : { id: ticket.record.id })),
        isLast: end >= found.length,
        ...(end < found.length && { nextPageToken: String(end) }),
      },
    };
  }

  const removed: Handler = () => {
    throw wrong(410, [
      'The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046',
    ]);
  };

  return {
    routes: {
      'POST /rest/api/3/issue': authenticated((request) => {
        const { fields } = readBody(request, Create, malformed, refuse);
        const number = shelf.next('issue');
        const id = String(10_000 + number);
        const key = `${PROJECT}-${number}`;
        shelf.save(
          {
            id: key,
            externalId: identityOf(fields.labels),
            title: fields.summary,
            state: 'open',
            status: TRANSITIONS[0].name,
            priority: fields.priority?.name ?? 'Medium',
            record: { id, fields },
          },
          plain(fields.description),
        );
        return { status: 201, body: { id, key, self: `${url}/rest/api/3/issue/${id}` } };
      }),
      'GET /rest/api/3/issue/:key': authenticated(({ params, query }) => ({
        status: 200,
        body: shown(find(params.key), query.get('fields')?.split(',')),
      })),
      'PUT /rest/api/3/issue/:key': authenticated((request) => {
        const ticket = find(request.params.key);
        const { fields } = readBody(request, Edit, malformed, refuse);
        const priority = fields.priority?.name ?? ticket.priority;
        const record = { ...ticket.record, fields: { ...Object(ticket.record.fields), ...fields } };
        const title = fields.summary ?? ticket.title;
        shelf.save(
          { ...ticket, title, priority, record },
          plain(fields.description) || Object.keys(fields).join(', '),
        );
        return { status: 204 };
      }),
      'POST /rest/api/3/issue/:key/comment': authenticated((request) => {
        const ticket = find(request.params.key);
        const { body } = readBody(request, CommentBody, malformed, refuse);
        shelf.save(ticket, plain(body));
        const id = String(shelf.next('comment'));
        return { status: 201, body: { id, body, created: new Date(clock.now()).toISOString() } };
      }),
      'GET /rest/api/3/issue/:key/transitions': authenticated(({ params }) => {
        find(params.key);
        const transitions = TRANSITIONS.map(({ id, name, category }) => ({
          id,
          name,
          isAvailable: true,
          to: { id, name, statusCategory: { key: category } },
        }));
        return { status: 200, body: { expand: 'transitions', transitions } };
      }),
      'POST /rest/api/3/issue/:key/transitions': authenticated((request) => {
        const ticket = find(request.params.key);
        const { transition, update } = readBody(request, Transition, malformed, refuse);
        const to = TRANSITIONS.find(({ id }) => id === transition.id);
        if (!to)
          throw wrong(400, [
            `It seems that you have tried to perform a workflow operation (${transition.id}) that is not valid for the current state of this issue (${ticket.id}).`,
          ]);
        const said = update?.comment?.map(({ add }) => plain(add.body)).join(' ');
        shelf.save(
          { ...ticket, status: to.name, state: to.category === 'done' ? 'resolved' : 'open' },
          said || to.name,
        );
        return { status: 204 };
      }),
      'POST /rest/api/3/search/jql': authenticated((request) =>
        search(readBody(request, Search, malformed, refuse)),
      ),
      'GET /rest/api/3/search/jql': authenticated(({ query }) => {
        const parsed = Search.safeParse({
          jql: query.get('jql') ?? undefined,
          fields: query.get('fields')?.split(','),
          maxResults: query.has('maxResults') ? Number(query.get('maxResults')) : undefined,
          nextPageToken: query.get('nextPageToken') ?? undefined,
        });
        if (!parsed.success) throw refuse(parsed.error.issues);
        return search(parsed.data);
      }),
      'GET /rest/api/3/search': authenticated(removed),
      'POST /rest/api/3/search': authenticated(removed),
      'GET /browse/:key': ({ params }) => ({ status: 302, headers: { location: `/#jira-${params.key}` } }),
    },
    connections: [{ url, ...account, projectKey: PROJECT }],
    unavailable: () => wrong(503, ['Service unavailable']).response,
    throttled: (seconds) => ({
      ...wrong(429, ['Rate limit exceeded.']).response,
      headers: { 'retry-after': String(seconds), 'x-ratelimit-limit': '350', 'x-ratelimit-remaining': '0' },
    }),
    unauthorized: () => unauthorized().response,
    missing: () => ({ status: 404, body: { errorMessages: ['null for uri'], errors: {} } }),
  };
};

type Holds = (ticket: LocalTicket, statusOf: (ticket: LocalTicket) => Status) => boolean;
const fieldsOf = (ticket: LocalTicket): Record<string, unknown> => Object(ticket.record.fields);
/** Jira has no member for an identity of ours, so that it is one of the labels. */
const identityOf = (labels: readonly string[] = []) =>
  labels.map((label) => /^millrace-(.+)$/.exec(label)?.[1]).find(Boolean) ?? null;
const labelsOf = (ticket: LocalTicket): readonly string[] => Object(fieldsOf(ticket).labels ?? []);

/** Clauses of JQL that are understood, joined by AND; another is refused. */
const CLAUSES: readonly [RegExp, (value: string) => Holds][] = [
  [/^project = (.+)$/i, (value) => (ticket) => ticket.id.startsWith(`${value}-`)],
  [/^labels? = (.+)$/i, (value) => (ticket) => labelsOf(ticket).includes(value)],
  [/^statusCategory != (.+)$/i, (value) => (ticket, statusOf) => !isCategory(statusOf(ticket), value)],
  [/^statusCategory = (.+)$/i, (value) => (ticket, statusOf) => isCategory(statusOf(ticket), value)],
];
const isCategory = (status: Status, name: string) =>
  status.name.toLowerCase() === name.toLowerCase() || status.category === name.toLowerCase();

function select(
  tickets: readonly LocalTicket[],
  jql: string,
  statusOf: (ticket: LocalTicket) => Status,
): LocalTicket[] {
  const [, where = '', order = ''] = /^(.*?)\s*(?:ORDER BY (.+))?$/is.exec(jql.trim()) ?? [];
  if (!where)
    throw wrong(400, [
      'Unbounded JQL queries are not allowed here. Please add a search restriction to your query.',
    ]);
  const clauses = where.split(/\s+AND\s+/i).map((clause): Holds => {
    const normal = clause
      .trim()
      .replace(/\s*(!?=)\s*/, ' $1 ')
      .replaceAll(/["']/g, '');
    for (const [pattern, holds] of CLAUSES) {
      const found = pattern.exec(normal);
      if (found) return holds(found[1] ?? '');
    }
    throw wrong(400, [`Error in the JQL Query: '${clause}' is not understood.`]);
  });
  const found = tickets.filter((ticket) => clauses.every((holds) => holds(ticket, statusOf)));
  return /\bDESC\b/i.test(order) ? found.reverse() : found;
}
