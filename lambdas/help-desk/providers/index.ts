import type { HttpClient } from '../../shared/http/client.ts';
import type { Provider, ProviderName } from '../contract.ts';
import { jira } from './jira.ts';
import { jsm } from './jsm.ts';
import { pagerduty } from './pagerduty.ts';
import { servicenow } from './servicenow.ts';
import { slack } from './slack.ts';
import { webhook } from './webhook.ts';
import { zendesk } from './zendesk.ts';

export { isConnected } from './connection.ts';

/**
 * The kinds of desk. Each makes a provider of a connection, the JSON of the desk's secret.
 * @throws DeskRefused when the connection is not complete
 */
export const PROVIDERS: Readonly<Record<ProviderName, (connection: unknown, http: HttpClient) => Provider>> =
  { zendesk, servicenow, jsm, jira, pagerduty, slack, webhook };
