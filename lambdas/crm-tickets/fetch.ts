import * as z from 'zod/mini';
import { dynamo, s3, secrets, sfn } from '../shared/clients.ts';
import { METRIC } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { createHttpClient } from '../shared/http/client.ts';
import { parse } from '../shared/parse.ts';
import { connect } from './connect.ts';
import { fetchPage } from './fetch-page.ts';
import { RawPages } from './raw-pages.ts';
import { SettingsSchema } from './settings.ts';
import { CRM } from './sources/index.ts';
import { SourcesTable } from './sources-table.ts';

const env = environment(['CRM', 'CRM_SECRET_ARN', 'LAKE_BUCKET', 'SOURCES_TABLE']);
const settings = parse(SettingsSchema, env.CRM, 'variable CRM');

const Input = z.object({ execution: z.string().check(z.minLength(1)) });

/** A page of a thousand tickets of which each has as long a text as Zendesk takes. */
const LARGEST_PAGE = 96 * 1024 ** 2;

const http = createHttpClient({
  remote: CRM,
  allowPrivate: settings.allowPrivateTargets,
  totalMs: 120_000,
  maxBytes: LARGEST_PAGE,
});

/** State FetchCRMData: one request to the CRM. */
export const handler = lambda(async (event, { log, meter }) => {
  const { execution } = parse(Input, event);
  const source = await connect(settings, env.CRM_SECRET_ARN, { secrets: secrets(), http });
  if (!source) return { verdict: 'NOT_CONNECTED' as const };
  const fetched = await fetchPage(source, execution, settings, {
    table: new SourcesTable(dynamo(), env.SOURCES_TABLE),
    pages: new RawPages(s3(), env.LAKE_BUCKET),
    sfn: sfn(),
    now: Date.now,
  });
  if (fetched.verdict === 'PAGE' || fetched.verdict === 'END') {
    meter.add(METRIC.ticketsFetched, fetched.verdict === 'PAGE' ? fetched.tickets : 0, {
      Pipeline: 'crm-tickets',
      Kind: 'export',
    });
  }
  log.info('The CRM was asked.', { ...fetched });
  return fetched;
});
