import * as z from 'zod/mini';
import { parseJson } from '../../shared/parse.ts';
import type { PageFormat, RawPage, Records } from '../contract.ts';
import { restRecords } from './rest-records.ts';
import { zendeskRecords } from './zendesk-records.ts';

const Normalised = z.object({
  tickets: z.array(z.looseObject({})),
  customers: z.array(z.looseObject({})),
});

const READERS: Readonly<Record<PageFormat, (page: RawPage) => Records>> = {
  zendesk: ({ body }) => zendeskRecords(body),
  rest: restRecords,
  // Whoever wrote them took them from `Records`; each is validated like any other.
  records: ({ body }) => parseJson(Normalised, body, 'page of records') as unknown as Records,
};

/** Tickets and customers of a raw page. @throws InvalidEvent for a page that its source did not write */
export function recordsOf(page: RawPage): Records {
  return READERS[page.format](page);
}
