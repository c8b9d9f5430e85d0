import { LAKE, type ObjectRef } from '../shared/contract.ts';
import type { LoadInput } from '../warehouse-load/contract.ts';

/**
 * A ticket as every source gives it, before it is validated. Members carry the names of the dataset's columns; what a
 * source does not know is null. Ids are text. Times are ISO 8601 with a zone.
 */
export interface TicketRecord {
  readonly ticket_id: unknown;
  readonly customer_id: unknown;
  readonly organization_id: unknown;
  /** As it was written: personal data is in it. */
  readonly subject: unknown;
  /** The first message, as it was written. It is analysed and never published. */
  readonly description: unknown;
  /** Lower case. */
  readonly status: unknown;
  readonly is_open: unknown;
  readonly priority: unknown;
  readonly channel: unknown;
  /** Texts. */
  readonly tags: readonly string[];
  readonly created_at: unknown;
  readonly updated_at: unknown;
  readonly solved_at: unknown;
}

/** A customer as every source gives them, before they are validated; members as in `TicketRecord`. */
export interface CustomerRecord {
  readonly customer_id: unknown;
  readonly crm_id: unknown;
  readonly name: unknown;
  readonly email: unknown;
  readonly organization_id: unknown;
  readonly organization: unknown;
  readonly time_zone: unknown;
  readonly created_at: unknown;
  readonly updated_at: unknown;
}

/** What one page of a CRM says. Line n of a dataset's rows is its n-th record, from 1. */
export interface Records {
  readonly tickets: readonly TicketRecord[];
  readonly customers: readonly CustomerRecord[];
}

/** Kinds of CRM, each in its file of sources/. */
export const SOURCES = ['zendesk', 'rest'] as const;
export type SourceKind = (typeof SOURCES)[number];

/**
 * How a raw page is written: as the CRM of that kind answered it, or `records`: JSON of `Records`, for what does not come
 * as a page.
 */
export type PageFormat = SourceKind | 'records';

/**
 * The JSON below `raw/crm/`: written once, and never again. Everything that is made of a page is a function of it. The
 * personal data of customers is in it.
 */
export interface RawPage {
  readonly format: PageFormat;
  readonly source: string;
  readonly sequence: number;
  readonly fetchedAt: string;
  /** Where in the export the page begins, and where the next one does; in words of the source. */
  readonly position: string;
  readonly next: string;
  /** Whether the CRM had no more at that time. */
  readonly end: boolean;
  /** Tickets in it. */
  readonly tickets: number;
  /** How a REST source's members become columns, at that time. */
  readonly mapping?: Mapping;
  /** What the CRM answered, to the letter. */
  readonly body: string;
}

/** Where a REST source has what the datasets want. Pointers are JSON pointers (RFC 6901). */
export interface Mapping {
  /** Array of the page's items. */
  readonly items: string;
  /** Columns of tickets, `description` and `tags` among them: pointers into an item. */
  readonly ticket: Readonly<Record<string, string>>;
  /** Columns of customers: pointers into an item. None: tickets only. */
  readonly customer?: Readonly<Record<string, string>>;
  /** Statuses, lower case, of tickets on which somebody still has to do something. @default all but solved, closed, … */
  readonly openStatuses?: readonly string[];
  /** The source's priority, lower case → one of ours. */
  readonly priorities?: Readonly<Record<string, string>>;
}

/** A raw page by its place in the lake. */
export interface SourcePage {
  /** `sha256(<source> <sequence> <position>)` of a page of an export, hex; the file id of its rows. */
  readonly fileId: string;
  /** Below `raw/crm/`. */
  readonly key: string;
  /** The CRM and its account, for example `zendesk-acme.zendesk.com`. */
  readonly source: string;
  /** ISO 8601, UTC: `landed_at` of its rows. */
  readonly fetchedAt: string;
  /** Place in the export, from 1; 0 for a page that comes from elsewhere. */
  readonly sequence: number;
}

/**
 * Input of an execution of crm-tickets. `{}` fetches from the CRM. With `pages`, nothing is fetched: these pages take the
 * same way through validation, analysis, publication and load (lambdas/crm-tickets/take.ts starts such a one).
 */
export interface CrmInput {
  readonly pages?: readonly SourcePage[];
}

/** What FetchCRMData answers. */
export type Fetched =
  /** A page is in the lake and the cursor is behind it. `more`: the CRM has more, `waitSeconds` from now. */
  | {
      readonly verdict: 'PAGE';
      readonly source: string;
      readonly more: boolean;
      readonly waitSeconds: number;
      readonly tickets: number;
    }
  /** The CRM takes no request yet. */
  | { readonly verdict: 'WAIT'; readonly source: string; readonly waitSeconds: number }
  /** There is nothing new. */
  | { readonly verdict: 'END'; readonly source: string }
  /** Nobody has put the CRM's credentials into its secret. */
  | { readonly verdict: 'NOT_CONNECTED' }
  /** Another execution is at it. */
  | { readonly verdict: 'BUSY'; readonly execution: string };

/** Rows of one dataset. `read` = `accepted` + `quarantined`. */
export interface Counts {
  readonly read: number;
  readonly accepted: number;
  readonly quarantined: number;
}

/** What ValidateData answers. */
export interface Validated {
  /** JSON array of `SourcePage`: what this round works on. */
  readonly pages: ObjectRef;
  readonly pageCount: number;
  /** Pages that wait for the next round. */
  readonly morePages: boolean;
  /** JSON array of `{ sha256, text: ObjectRef }`: texts that nobody has analysed yet. */
  readonly texts: ObjectRef;
  readonly textCount: number;
  readonly tickets: Counts;
  readonly customers: Counts;
}

/** A text that is to be analysed. */
export interface TicketText {
  /** Digest of the text, hex. */
  readonly sha256: string;
  readonly text: ObjectRef;
}

/** Settings of the CRM's source, from configuration. */
export interface CrmSettings {
  readonly source: SourceKind;
  readonly startDays: number;
  readonly requestsPerMinute: number;
  readonly allowPrivateTargets: boolean;
}

/** Names of the sources table's keys. */
export const SOURCES_TABLE = {
  /**
   * The source (`zendesk-acme.zendesk.com`); `customer_features` for who computes them; `webhook#<event id>` for an event
   * of the webhook that was taken.
   */
  partitionKey: 'pk',
  /** `CURSOR`; `PAGE#<sequence, 12 digits>` for a page that is fetched and not loaded; `EVENT` of a webhook's event. */
  sortKey: 'sk',
  timeToLive: 'ExpiresAt',
} as const;

export const CURSOR = 'CURSOR';
export const pageSortKey = (sequence: number): string => `PAGE#${String(sequence).padStart(12, '0')}`;

/** Key of an event of the webhook that was taken. */
export const webhookKey = (eventId: string) => ({ pk: `webhook#${eventId}`, sk: 'EVENT' });

/** Folders of the lake. Personal data is in all of `CRM_RAW` and `CRM_WORK`. */
export const CRM_RAW = `${LAKE.raw}crm/` as const;
/** What is between two steps of a run, and goes after a week: pages of a round, texts that wait for their analysis. */
export const CRM_WORK = `${LAKE.raw}crm-work/` as const;
/** What the sentiment machine found in a text: `analysis/tickets/<sha256 of the text>.json`. No personal data. */
export const CRM_ANALYSES = `${LAKE.analysis}tickets/` as const;

/** What the webhook brings: in the place of a source's name. */
export const WEBHOOK_SOURCE = 'webhook';

/** @param day of fetching, as `partitionOf` gives it */
export const rawPageKey = (source: string, day: string, fileId: string): string =>
  `${CRM_RAW}${source}/${day}${fileId}.json`;
/** What the job of customer features reads and writes: a folder for each run. It goes after a week. */
export const FEATURES_WORK = `${CRM_WORK}features/` as const;
/** Texts of tickets that wait for their analysis. */
export const CRM_TEXTS = `${CRM_WORK}texts/` as const;
export const textKey = (sha256: string): string => `${CRM_TEXTS}${sha256}.txt`;
export const analysisKey = (sha256: string): string => `${CRM_ANALYSES}${sha256}.json`;
export const quarantineKey = (dataset: string, fileId: string): string =>
  `${LAKE.quarantine}${dataset}/${fileId}.jsonl`;

/** Detail type of the event that says that tickets are loaded; its source is `millrace`. */
export const TICKETS_LOADED = 'Millrace Tickets Loaded';

/** Settings of customer features, from configuration. */
export interface FeatureSettings {
  readonly everyHours: number;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly gigabytesPerWorker: number;
  /** Hours in `timeZone` from and until which the job may wait for cheaper capacity. */
  readonly flexFromHour: number;
  readonly flexUntilHour: number;
  /** IANA name. */
  readonly timeZone: string;
}

/** What PlanFeatures answers. */
export type FeaturePlan =
  | { readonly due: false; readonly computedAt: string }
  /** Another execution is at it. */
  | { readonly due: false; readonly execution: string }
  | {
      readonly due: true;
      /** `sha256(customer_features|<at>)`, hex; the file id of the rows. */
      readonly runId: string;
      /** As of when; ISO 8601, UTC. */
      readonly at: string;
      /** Addresses that the job is given. */
      readonly input: string;
      readonly output: string;
      /** Bytes of the files that it reads, and how many these are. */
      readonly bytes: number;
      readonly files: number;
      readonly workers: number;
      readonly executionClass: 'STANDARD' | 'FLEX';
    };

/** What PublishFeatures answers. */
export interface PublishedFeatures {
  readonly rows: number;
  readonly record: ObjectRef;
  /** Input of warehouse-load; null where nobody has written within 30 days. */
  readonly load: LoadInput | null;
}
