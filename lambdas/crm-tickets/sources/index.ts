import type { HttpClient } from '../../shared/http/client.ts';
import type { SourceKind } from '../contract.ts';
import { rest } from './rest.ts';
import type { Source } from './source.ts';
import { zendesk } from './zendesk.ts';

export { CRM, isConnected } from './connection.ts';

/**
 * The kinds of CRM. Each makes a source of a connection, the JSON of the CRM's secret.
 * @throws CrmRefused when the connection is not complete
 */
export const KINDS: Readonly<Record<SourceKind, (connection: unknown, http: HttpClient) => Source>> = {
  zendesk,
  rest,
};
