import type { Severity } from '../shared/contract.ts';

/** The kinds of help desk that tickets can be opened at. */
export type ProviderName = 'zendesk' | 'servicenow' | 'jsm' | 'jira' | 'pagerduty' | 'slack' | 'webhook';

/** A desk of this deployment. */
export interface Desk {
  /** The deployment's own name for it, for example `support`. */
  readonly name: string;
  readonly provider: ProviderName;
  /** Secret that holds the desk's connection as JSON: address and credentials, by provider. */
  readonly secretArn: string;
}

/** Incidents that match go to these desks. Members that are left out match everything. */
export interface Route {
  readonly pipelines?: readonly string[];
  readonly severities?: readonly Severity[];
  readonly desks: readonly string[];
}

export interface HelpDeskSettings {
  /** Where docs/operations.md is read; sections are added as `#anchor`. */
  readonly runbookUrl: string;
  /** Whether desks may be at http addresses and in private networks. */
  readonly allowPrivateTargets: boolean;
  readonly reopenHours: number;
  /** Owner by pipeline; `*` for the rest. */
  readonly owners: Readonly<Record<string, string>>;
  /** State machine ARN → pipeline name, of executions whose failure is an incident. */
  readonly pipelines: Readonly<Record<string, string>>;
  readonly dashboardName?: string;
  readonly auditTable: string;
  /** Region whose consoles the links lead to. */
  readonly region: string;
}

/**
 * Pipelines that run again by themselves, on a schedule: their next success ends what an earlier execution began. Of
 * every other pipeline only a redrive or rerun of the failed execution does.
 */
export const PERIODIC: readonly string[] = [
  'reconciliation',
  'audit-export',
  'canary',
  'crm-tickets',
  'expected-files',
];

/** Names of the tickets table's keys and indexes. */
export const TICKETS = {
  /** Ticket id: `sha256(<dedupe key>)` in hex; `<pipeline>#<member>` for what is known of the executions of a file or load. */
  partitionKey: 'pk',
  /**
   * `CURRENT`; `MEMBER#<member>` for each file, load or day that the ticket waits for or waited for;
   * `<ISO time>#<event id>` for history; `LATEST` for the executions of a file or load.
   */
  sortKey: 'sk',
  /** Current items of tickets by `State`, sorted by `LastAt`. */
  byState: { name: 'by-state', partitionKey: 'State', sortKey: 'LastAt' },
  /** Member items by `Member`, which only those have that are waited for. */
  byMember: { name: 'by-member', partitionKey: 'Member', sortKey: 'pk' },
  timeToLive: 'ExpiresAt',
} as const;

/** Name under which the second channel is among the desks of a ticket that no desk has told. No desk can be named so. */
export const SECOND_CHANNEL = 'second channel';

export type TicketState = 'OPEN' | 'RESOLVED';

/**
 * Current item of a ticket, beside its keys, as plain JSON:
 * `{Key, State, Source, Severity, Pipeline, Title, Summary, Runbook, Count, Members, FirstAt, LastAt, ResolvedAt?,
 * Generation, Revision, Command?, ExecutionArn?, AlarmName?, LatestMember?, Desks: {<desk name>: {Provider, Id?, Url?,
 * State, Generation, Opening, Revision, UpdatedAt, Failure?: {Name, Message, At, Count}}}}`.
 * `Source` is `execution`, `alarm` or `incident`. `Members` counts what the ticket waits for. `Generation` counts
 * openings anew, from 1; `Revision` counts changes, so that a desk that is behind is seen. The state of a desk is
 * `OPEN`, `RESOLVED`, or `WAITING` before its first answer.
 */
export interface TicketLink {
  readonly label: string;
  readonly url: string;
}

/** What a provider shows of a ticket. Everything is safe to leave the account: no content, no secret. */
export interface Ticket {
  /**
   * `<first 32 digits of the ticket id>-<generation>`: the identity of this ticket at every desk. Where a desk could not
   * open a ticket again, its next one adds `-2`, `-3`, ….
   */
  readonly externalId: string;
  readonly severity: Severity;
  readonly pipeline: string;
  readonly owner?: string;
  readonly title: string;
  readonly summary: string;
  /** How often it happened, and when first and last (ISO 8601, UTC). */
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
  /** How many files, loads or days it still waits for; 0 for an incident without. */
  readonly members: number;
  readonly links: readonly TicketLink[];
  /** The exact command that mends it. */
  readonly command?: string;
  /** When and how it was over; resolved tickets only. */
  readonly resolvedAt?: string;
}

/** A ticket at a desk. */
export interface DeskTicket {
  /** What the desk calls it, and what its later requests name. */
  readonly id: string;
  /** Where people see it. */
  readonly url?: string;
}

/** One kind of help desk. Each call either does what it says or throws; calling again after a crash opens nothing twice where the desk offers a way. */
export interface Provider {
  open(ticket: Ticket): Promise<DeskTicket>;
  update(ticket: Ticket, at: DeskTicket): Promise<void>;
  resolve(ticket: Ticket, at: DeskTicket): Promise<void>;
  /**
   * Opens a resolved ticket again. Answers `undefined` where this desk's tickets cannot be opened again (a closed
   * Zendesk ticket for example): the caller then opens a new one.
   */
  reopen(ticket: Ticket, at: DeskTicket): Promise<DeskTicket | undefined>;
}
