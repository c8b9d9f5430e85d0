import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { isNamed } from '../shared/errors.ts';
import { inLanes } from '../shared/lanes.ts';
import { JSON_TYPE, type Objects, TEXT } from '../shared/objects.ts';
import { type CheckedRows, checkCustomers, checkTickets, digestOf, textOf } from './check.ts';
import {
  analysisKey,
  type Counts,
  quarantineKey,
  type Records,
  type SourcePage,
  type TicketText,
  textKey,
  type Validated,
} from './contract.ts';
import type { RawPages } from './raw-pages.ts';
import { recordsOf } from './sources/records.ts';

export interface ValidateDependencies {
  readonly raw: Pick<RawPages, 'read'>;
  readonly objects: Pick<Objects, 'write'>;
  readonly s3: Pick<S3Client, 'send'>;
  readonly bucket: string;
}

/** Requests to S3 at once. */
const LANES = 40;
const NONE: Counts = { read: 0, accepted: 0, quarantined: 0 };
const JSONL = 'application/jsonl';

/**
 * Validates every record of pages. Bad ones go to quarantine, and texts that nobody has analysed yet to where the
 * sentiment machine reads them.
 * @param folder where the lists of pages and texts go
 */
export async function validatePages(
  { pages, more }: { readonly pages: readonly SourcePage[]; readonly more: boolean },
  folder: string,
  dependencies: ValidateDependencies,
): Promise<Validated> {
  const { raw, objects, bucket } = dependencies;
  const texts = new Map<string, TicketText>();
  let [tickets, customers] = [NONE, NONE];
  for (const page of pages) {
    const records = recordsOf(await raw.read(page.key));
    const checked = { tickets: checkTickets(records), customers: checkCustomers(records) };
    for (const [dataset, { quarantined }] of Object.entries(checked)) {
      if (quarantined.length > 0) await quarantine(dataset, page, quarantined, dependencies);
    }
    tickets = sum(tickets, checked.tickets.counts);
    customers = sum(customers, checked.customers.counts);
    for (const text of await newTexts(records, checked.tickets, dependencies)) texts.set(text.sha256, text);
  }
  const list = async (name: string, items: readonly unknown[]) => {
    const ref = { bucket, key: `${folder}${name}.json` };
    await objects.write(ref, JSON.stringify(items), JSON_TYPE);
    return ref;
  };
  return {
    pages: await list('pages', pages),
    pageCount: pages.length,
    morePages: more,
    texts: await list('texts', [...texts.values()]),
    textCount: texts.size,
    tickets,
    customers,
  };
}

export function sum(a: Counts, b: Counts): Counts {
  return {
    read: a.read + b.read,
    accepted: a.accepted + b.accepted,
    quarantined: a.quarantined + b.quarantined,
  };
}

async function quarantine(
  dataset: string,
  { fileId }: SourcePage,
  problems: CheckedRows['quarantined'],
  { objects, bucket }: ValidateDependencies,
): Promise<void> {
  const lines = problems.map((problem) => `${JSON.stringify(problem)}\n`).join('');
  await objects.write({ bucket, key: quarantineKey(dataset, fileId) }, lines, JSONL);
}

/** Texts of accepted tickets that have no analysis, each once, laid out for the sentiment machine. */
async function newTexts(
  { tickets }: Records,
  { rows }: CheckedRows,
  { s3, objects, bucket }: ValidateDependencies,
): Promise<TicketText[]> {
  const byDigest = new Map<string, string>();
  for (const { line } of rows) {
    const ticket = tickets[line - 1];
    const text = ticket ? textOf(ticket) : '';
    const sha256 = digestOf(text);
    if (sha256 !== null) byDigest.set(sha256, text);
  }
  const found = await inLanes(LANES, [...byDigest], async ([sha256, text]) => {
    if (await exists(s3, bucket, analysisKey(sha256))) return [];
    const ref = { bucket, key: textKey(sha256) };
    await objects.write(ref, text, TEXT);
    return [{ sha256, text: ref }];
  });
  return found.flat();
}

async function exists(s3: Pick<S3Client, 'send'>, Bucket: string, Key: string): Promise<boolean> {
  try {
    await s3.send(new HeadObjectCommand({ Bucket, Key }));
    return true;
  } catch (error) {
    if (isNamed(error, 'NotFound')) return false;
    throw error;
  }
}
