import type { CreateDesk } from '../api.ts';
import { jira } from './jira.ts';
import { jsm } from './jsm.ts';
import { pagerduty } from './pagerduty.ts';
import { servicenow } from './servicenow.ts';
import { slack } from './slack.ts';
import { webhook } from './webhook.ts';
import { zendesk } from './zendesk.ts';

/** Every desk, by the provider's name, which is also its place on the server. */
export const DESKS = { zendesk, servicenow, jsm, jira, pagerduty, slack, webhook } as const satisfies Record<
  string,
  CreateDesk
>;

export type DeskName = keyof typeof DESKS;
export const DESK_NAMES = Object.keys(DESKS).filter(isDeskName);

export function isDeskName(name: string): name is DeskName {
  return Object.hasOwn(DESKS, name);
}
