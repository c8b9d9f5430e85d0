import * as z from 'zod/mini';
import type { Severity } from '../../shared/contract.ts';
import type { HttpClient } from '../../shared/http/client.ts';
import { basic, fixed } from '../../shared/http/credentials.ts';
import type { DeskTicket, Provider, Ticket } from '../contract.ts';
import { DeskRefused, TicketGone } from '../errors.ts';
import { adf } from './adf.ts';
import { address, connectionOf, text } from './connection.ts';
import { type Answer, createDesk } from './desk.ts';
import { blocksOf, type Change, titleOf } from './text.ts';

/** `apiToken` is that of the person whose `email` it is, who may browse, create, comment and transition. */
const Connection = z.object({
  url: address,
  email: text,
  apiToken: text,
  projectKey: z.string().check(z.regex(/^[A-Z][A-Z0-9_]+$/)),
  issueType: z._default(text, 'Task'),
});

const Status = z.object({ name: z.string(), statusCategory: z.object({ key: z.string() }) });
const Created = z.object({ key: text });
const Found = z.object({ issues: z.array(Created) });
const IssueAnswer = z.object({ fields: z.object({ status: Status }) });
const Choice = z.looseObject({ name: z.optional(z.string()), id: z.optional(z.string()) });
const Transition = z.object({
  id: text,
  name: z.string(),
  to: Status,
  fields: z.optional(
    z.record(z.string(), z.object({ required: z.boolean(), allowedValues: z.optional(z.array(Choice)) })),
  ),
});
const Transitions = z.object({ transitions: z.array(Transition) });

type Transition = z.output<typeof Transition>;

const PRIORITY: Readonly<Record<Severity, string>> = {
  critical: 'Highest',
  error: 'High',
  warning: 'Medium',
  info: 'Low',
};

/** Longest summary of an issue, characters. */
const LONGEST_SUMMARY = 255;

/** Where an issue goes when it is over, and when it is not: names of statuses and transitions that suit best. */
const WAYS = {
  over: { isDone: true, best: /^(done|resolved?|closed?|completed?|fixed)\b/i },
  back: { isDone: false, best: /^(re-?open(ed)?|to ?do|open|in progress|back)\b/i },
} as const;

/**
 * Jira issues by REST API v3 (https://developer.atlassian.com/cloud/jira/platform/rest/v3/), authorised by an API
 * token.
 *
 * Jira has no key against repeated creation: opening twice finds the first issue by its label
 * `millrace-<external id>`. The search learns of an issue some seconds after its creation, so that an attempt which
 * follows at once, while the answer to the first was lost, opens a second. Issues move along the project's own
 * workflow: by a transition to a status of the category Done, and out of it.
 */
export function jira(connection: unknown, http: HttpClient): Provider {
  const { url, email, apiToken, projectKey, issueType } = connectionOf('Jira', Connection, connection);
  const desk = createDesk({
    name: 'Jira',
    http,
    credentials: fixed(basic(email, apiToken)),
    secrets: [apiToken],
  });
  const api = `${url}/rest/api/3`;
  const issue = (id: string) => `${api}/issue/${encodeURIComponent(id)}`;
  const at = (key: string): DeskTicket => ({ id: key, url: `${url}/browse/${key}` });
  const labelOf = (ticket: Ticket) => `millrace-${ticket.externalId}`;

  /** The issue that an earlier attempt has opened, done ones left out. */
  async function find(ticket: Ticket): Promise<DeskTicket | undefined> {
    const answer = await desk.call({
      method: 'POST',
      url: `${api}/search/jql`,
      json: {
        jql: `project = "${projectKey}" AND labels = "${labelOf(ticket)}" AND statusCategory != Done`,
        fields: ['status'],
        maxResults: 1,
      },
    });
    const [found] = desk.read(Found, answer).issues;
    return found && at(found.key);
  }

  async function create(ticket: Ticket, withPriority = true): Promise<DeskTicket> {
    const answer = await desk.call({
      method: 'POST',
      url: `${api}/issue`,
      json: {
        fields: {
          project: { key: projectKey },
          issuetype: { name: issueType },
          summary: titleOf(ticket, LONGEST_SUMMARY),
          description: adf(blocksOf(ticket, 'open')),
          labels: ['millrace', labelOf(ticket)],
          ...(withPriority ? { priority: { name: PRIORITY[ticket.severity] } } : {}),
        },
      },
      expects: (refused) => withPriority && lacksPriority(refused),
    });
    if (withPriority && lacksPriority(answer)) return create(ticket, false);
    return at(desk.read(Created, answer).key);
  }

  async function comment(ticket: Ticket, change: Change, id: string): Promise<boolean> {
    const answer = await desk.call({
      method: 'POST',
      url: `${issue(id)}/comment`,
      json: { body: adf(blocksOf(ticket, change)) },
      expects: isMissing,
    });
    return !isMissing(answer);
  }

  /** Whether an issue is done; undefined when there is none. */
  async function isDone(id: string): Promise<boolean | undefined> {
    const answer = await desk.call({ method: 'GET', url: `${issue(id)}?fields=status`, expects: isMissing });
    if (isMissing(answer)) return undefined;
    return desk.read(IssueAnswer, answer).fields.status.statusCategory.key === 'done';
  }

  /** Moves an issue. @returns whether its workflow has a way */
  async function move(id: string, way: keyof typeof WAYS): Promise<boolean> {
    const target = `${issue(id)}/transitions`;
    const answer = await desk.call({ method: 'GET', url: `${target}?expand=transitions.fields` });
    const transition = bestOf(desk.read(Transitions, answer).transitions, WAYS[way]);
    if (!transition) return false;
    const resolution = resolutionOf(transition);
    await desk.call({
      method: 'POST',
      url: target,
      json: { transition: { id: transition.id }, ...(resolution ? { fields: { resolution } } : {}) },
    });
    return true;
  }

  return {
    open: async (ticket) => (await find(ticket)) ?? (await create(ticket)),
    update: async (ticket, { id }) => {
      if (!(await comment(ticket, 'update', id))) throw new TicketGone(`Jira issue ${id} is deleted.`);
    },
    resolve: async (ticket, { id }) => {
      const done = await isDone(id);
      // One that is deleted is over already.
      if (done === undefined) return;
      // A comment of the transition itself would need a screen that has one.
      if (!done && !(await move(id, 'over'))) {
        throw new DeskRefused(
          `Jira issue ${id} cannot be resolved: its workflow has no transition from its status to one of the category Done.`,
        );
      }
      await comment(ticket, 'resolve', id);
    },
    reopen: async (ticket, here) => {
      const done = await isDone(here.id);
      if (done === undefined || (done && !(await move(here.id, 'back')))) return undefined;
      return (await comment(ticket, 'reopen', here.id)) ? here : undefined;
    },
  };
}

/** The transition whose name or status suits best, among those that lead there. */
function bestOf(
  transitions: readonly Transition[],
  { isDone, best }: (typeof WAYS)[keyof typeof WAYS],
): Transition | undefined {
  const leading = transitions.filter(({ to }) => (to.statusCategory.key === 'done') === isDone);
  return leading.find(({ name, to }) => best.test(to.name) || best.test(name)) ?? leading[0];
}

/** A resolution, where the screen of a transition insists on one. */
function resolutionOf({ fields }: Transition): { name: string } | undefined {
  const { required, allowedValues = [] } = fields?.resolution ?? { required: false };
  if (!required) return undefined;
  const names = allowedValues.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const name = names.find((candidate) => WAYS.over.best.test(candidate)) ?? names[0];
  return name === undefined ? undefined : { name };
}

/** Jira does not tell an issue that is missing from one that may not be seen. */
function isMissing({ status }: Answer): boolean {
  return status === 404;
}

/** `{"errors":{"priority":"Field 'priority' cannot be set. …"}}`: projects choose their fields and priorities. */
function lacksPriority({ status, body }: Answer): boolean {
  const Refusal = z.object({ errors: z.object({ priority: z.string() }) });
  return status === 400 && z.safeParse(Refusal, body).success;
}
