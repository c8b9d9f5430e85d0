import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { partitionOf } from '../../datasets/dataset.ts';
import { PartsWriter } from '../shared/dataset/parts-writer.ts';
import { inLanes } from '../shared/lanes.ts';
import { manifestOf, publishedEntry, writeManifest } from '../shared/load-manifest.ts';
import { JSON_TYPE, type Objects } from '../shared/objects.ts';
import { parseJson } from '../shared/parse.ts';
import { type Publication, publicationKey } from '../shared/publication.ts';
import type { LoadInput, ManifestEntry } from '../warehouse-load/contract.ts';
import {
  type CheckedRow,
  CRM_DATASETS,
  checkCustomers,
  checkTickets,
  digestOf,
  type TextAnalysis,
  textOf,
} from './check.ts';
import { analysisKey, type Counts, type Records, type SourcePage, type Validated } from './contract.ts';
import { CountMismatch } from './errors.ts';
import type { RawPages } from './raw-pages.ts';
import { recordsOf } from './sources/records.ts';
import { sum } from './validate-pages.ts';

export interface EnrichDependencies {
  readonly raw: Pick<RawPages, 'read'>;
  readonly objects: Objects;
  readonly s3: Pick<S3Client, 'send'>;
  readonly bucket: string;
}

/** Requests to S3 at once. */
const LANES = 40;
const BUFFERED_BYTES = 256 * 1024 ** 2;
/** Customers come before the tickets that refer to them. */
const ORDER = ['customers', 'tickets'] as const;
type Name = (typeof ORDER)[number];

const AnalysisSchema: z.ZodMiniType<TextAnalysis> = z.object({
  language: z.string(),
  sentiment: z.string(),
  sentimentScore: z.nullable(z.number()),
  subject: z.nullable(z.string()),
});

/**
 * Publishes the rows of pages, and answers the loads that bring them to the warehouse.
 * @throws CountMismatch when a record is neither published nor in quarantine
 */
export async function enrichPages(
  pages: readonly SourcePage[],
  expected: Pick<Validated, Name>,
  dependencies: EnrichDependencies,
): Promise<LoadInput[]> {
  const { raw, objects, bucket } = dependencies;
  const entries: Record<Name, ManifestEntry[]> = { customers: [], tickets: [] };
  const published: Record<Name, Counts> = { customers: NONE, tickets: NONE };
  for (const page of pages) {
    const records = recordsOf(await raw.read(page.key));
    const analyses = await analysesOf(records, dependencies);
    const checked = {
      customers: checkCustomers(records),
      tickets: checkTickets(records, (sha256) => analyses.get(sha256)),
    };
    for (const name of ORDER) {
      const { rows, counts } = checked[name];
      published[name] = sum(published[name], counts);
      if (rows.length > 0) entries[name].push(await publish(name, page, rows, dependencies));
    }
  }
  for (const name of ORDER) compare(name, published[name], expected[name]);
  const due = ORDER.filter((name) => entries[name].length > 0);
  return Promise.all(due.map((name) => writeManifest(objects, bucket, manifestOf(name, entries[name]))));
}

const NONE: Counts = { read: 0, accepted: 0, quarantined: 0 };

function compare(name: Name, published: Counts, validated: Counts): void {
  const { read, accepted, quarantined } = published;
  const isSame = accepted === validated.accepted && quarantined === validated.quarantined;
  if (isSame && read === validated.read && read === accepted + quarantined) return;
  throw new CountMismatch(
    `Of ${validated.read} ${name}, ${accepted} were published and ${quarantined} are in quarantine, where the validation had ${validated.accepted} and ${validated.quarantined}.`,
  );
}

/**
 * What is known of the texts of a page. A ticket that was refused may have a text that nobody has analysed.
 */
async function analysesOf(
  { tickets }: Records,
  { objects, bucket }: EnrichDependencies,
): Promise<ReadonlyMap<string, TextAnalysis>> {
  const { rows } = checkTickets({ tickets, customers: [] });
  const digests = new Set<string>();
  for (const { line } of rows) {
    const ticket = tickets[line - 1];
    const sha256 = ticket ? digestOf(textOf(ticket)) : null;
    if (sha256 !== null) digests.add(sha256);
  }
  const found = await inLanes(LANES, [...digests], async (sha256) => {
    const text = await objects.read({ bucket, key: analysisKey(sha256) });
    return [sha256, parseJson(AnalysisSchema, text, 'analysis')] as const;
  });
  return new Map(found);
}

/** Writes the parts of one page, then the publication that shows them. Both are functions of the page. */
async function publish(
  name: Name,
  { fileId, key: sourceFile, fetchedAt }: SourcePage,
  rows: readonly CheckedRow[],
  { s3, objects, bucket }: EnrichDependencies,
): Promise<ManifestEntry> {
  const landedAt = new Date(fetchedAt);
  const parts: (readonly [key: string, bytes: Uint8Array])[] = [];
  const writer = new PartsWriter({
    dataset: CRM_DATASETS[name],
    fileId,
    sourceFile,
    landedAt,
    // A page has rows of many days: their parts are written together.
    write: async (key, bytes) => {
      parts.push([key, bytes]);
    },
    maxBufferedBytes: BUFFERED_BYTES,
  });
  for (const { row, line } of rows) await writer.add(row, line);
  const written = await writer.finish();
  await inLanes(LANES, parts, ([Key, Body]) =>
    s3.send(
      new PutObjectCommand({ Bucket: bucket, Key, Body, ContentType: 'application/vnd.apache.parquet' }),
    ),
  );
  const publication: Publication = {
    dataset: name,
    fileId,
    sourceFile,
    landedAt: fetchedAt,
    rows: rows.length,
    parts: written,
  };
  const key = publicationKey('crm', name, partitionOf(landedAt), fileId);
  const body = JSON.stringify(publication);
  await objects.write({ bucket, key }, body, JSON_TYPE);
  return publishedEntry(key, body);
}
