import { createHash } from 'node:crypto';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { partitionOf } from '../../datasets/dataset.ts';
import { type CrmSettings, type Fetched, type RawPage, rawPageKey, type SourcePage } from './contract.ts';
import { CrmThrottled } from './errors.ts';
import type { RawPages } from './raw-pages.ts';
import { LONGEST_WAIT } from './sources/connection.ts';
import type { Source } from './sources/source.ts';
import { type Busy, type Cursor, isBusy, type SourcesTable } from './sources-table.ts';
import { takeOver } from './take-over.ts';

export interface FetchDependencies {
  readonly table: Pick<SourcesTable, 'lease' | 'begin' | 'pause' | 'advance'>;
  readonly pages: Pick<RawPages, 'find' | 'create'>;
  readonly sfn: Pick<SFNClient, 'send'>;
  /** Milliseconds since 1970. */
  now(): number;
}

type Settings = Pick<CrmSettings, 'startDays' | 'requestsPerMinute'>;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Asks the CRM for its next page, unless the rate limit says to wait. The page is in the lake before the cursor moves,
 * and lies there under a name that the cursor alone decides: after a crash between the two, the page that is there
 * counts, and the CRM is not asked again.
 * @throws CrmUnavailable, CrmRefused
 */
export async function fetchPage(
  source: Source,
  execution: string,
  settings: Settings,
  dependencies: FetchDependencies,
): Promise<Fetched> {
  const { table, sfn, now } = dependencies;
  const { name } = source;
  const first = source.first(new Date(now() - settings.startDays * DAY_MS));
  const cursor = await takeOver(sfn, (from) => table.lease(name, execution, first, from));
  if (isBusy(cursor)) return busy(name, execution, cursor);
  const request = paced(cursor, settings.requestsPerMinute, now());
  if (request.waitSeconds > 0) return { verdict: 'WAIT', source: name, waitSeconds: request.waitSeconds };

  const begun = await table.begin(name, execution, cursor, request);
  if (isBusy(begun)) return busy(name, execution, begun);
  const page = pageOf(name, cursor, begun.fetchedAt);
  const asked = await take(source, cursor, page, begun.isKnown, dependencies);
  const freeAt = Math.max(
    now() + asked.waitSeconds * 1000,
    request.requests < settings.requestsPerMinute ? 0 : request.windowStart + MINUTE_MS,
  );
  const waitSeconds = secondsUntil(freeAt, now());
  if (!asked.raw) {
    await table.pause(name, execution, freeAt);
    return { verdict: 'WAIT', source: name, waitSeconds };
  }
  const { next, end, tickets } = asked.raw;
  const advanced = await table.advance(name, execution, cursor, {
    position: next,
    notBefore: freeAt,
    ...(tickets > 0 && { page }),
  });
  if (isBusy(advanced)) return busy(name, execution, advanced);
  return end && tickets === 0
    ? { verdict: 'END', source: name }
    : { verdict: 'PAGE', source: name, more: !end, waitSeconds, tickets };
}

/** Somebody else has the cursor; or it was moved by an attempt of this execution that was given up too early. */
function busy(source: string, execution: string, { owner }: Busy): Fetched {
  return owner === execution
    ? { verdict: 'WAIT', source, waitSeconds: 1 }
    : { verdict: 'BUSY', execution: owner };
}

/** When a request may go out, and what it counts for. */
export interface Request {
  readonly at: number;
  /** Start of the minute that it counts in, and requests of that minute with it. */
  readonly windowStart: number;
  readonly requests: number;
  /** 0 when it may go out now. */
  readonly waitSeconds: number;
}

/** Requests come as fast as they like until a minute is full; the next minute begins with its first request. */
function paced({ windowStart, requests, notBefore }: Cursor, perMinute: number, at: number): Request {
  const isNew = at < windowStart || at >= windowStart + MINUTE_MS;
  const isFull = !isNew && requests >= perMinute;
  return {
    at,
    windowStart: isNew ? at : windowStart,
    requests: isNew ? 1 : requests + 1,
    waitSeconds: secondsUntil(Math.max(notBefore, isFull ? windowStart + MINUTE_MS : 0), at),
  };
}

const secondsUntil = (moment: number, now: number): number =>
  Math.min(Math.max(0, Math.ceil((moment - now) / 1000)), LONGEST_WAIT);

function pageOf(source: string, { sequence: before, position }: Cursor, fetchedAt: string): SourcePage {
  const sequence = before + 1;
  const fileId = createHash('sha256').update(`${source} ${sequence} ${position}`).digest('hex');
  const key = rawPageKey(source, partitionOf(new Date(fetchedAt)), fileId);
  return { fileId, key, source, fetchedAt, sequence };
}

/** The page from the lake, where an attempt that crashed has left it, or from the CRM; none while the CRM takes no requests. */
async function take(
  source: Source,
  { position }: Cursor,
  page: SourcePage,
  isKnown: boolean,
  { pages }: FetchDependencies,
): Promise<{ readonly raw?: RawPage; readonly waitSeconds: number }> {
  const known = isKnown ? await pages.find(page.key) : undefined;
  if (known) return { raw: known, waitSeconds: 0 };
  try {
    const { body, tickets, next, end, waitSeconds } = await source.fetch(position);
    const { format, mapping } = source;
    const raw: RawPage = {
      format,
      source: source.name,
      sequence: page.sequence,
      fetchedAt: page.fetchedAt,
      position,
      next,
      end,
      tickets,
      ...(mapping && { mapping }),
      body,
    };
    return { raw: tickets > 0 ? await pages.create(page.key, raw) : raw, waitSeconds };
  } catch (error) {
    if (!(error instanceof CrmThrottled)) throw error;
    return { waitSeconds: Math.min(Math.max(error.retryAfterSeconds ?? MINUTE_MS / 1000, 1), LONGEST_WAIT) };
  }
}
