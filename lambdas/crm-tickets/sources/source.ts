import type { Mapping, PageFormat } from '../contract.ts';

/** What one request brought. */
export interface FetchedPage {
  /** What the CRM answered, to the letter. */
  readonly body: string;
  /** Tickets in it. */
  readonly tickets: number;
  /** Where the next request begins. */
  readonly next: string;
  /** Whether the CRM has no more for now. */
  readonly end: boolean;
  /** Seconds that the CRM asks to wait before the next request, by its rate-limit headers. */
  readonly waitSeconds: number;
}

/** Most tickets that are asked for at once (Zendesk, "Show Multiple Tickets"). */
export const MOST_SHOWN = 100;

/** Single tickets that a CRM was asked for. */
export interface ShownTickets {
  /** What the CRM answered, to the letter. */
  readonly body: string;
  /** When the newest of them was changed; ISO 8601, UTC. Undefined where there is none. */
  readonly changedAt: string | undefined;
  readonly tickets: number;
}

/** A CRM that gives its tickets page by page, in an order in which every change comes again. */
export interface Source {
  /** The CRM and its account: a folder's name. */
  readonly name: string;
  readonly format: PageFormat;
  readonly mapping?: Mapping;
  /** Where an export begins that has no cursor yet. */
  first(since: Date): string;
  /**
   * One request.
   * @throws CrmUnavailable, CrmThrottled, CrmRefused
   */
  fetch(position: string): Promise<FetchedPage>;
  /**
   * Single tickets as they are now, where the CRM can be asked for them; those that it does not have are left out.
   * @param ids at most {@link MOST_SHOWN}
   * @throws CrmUnavailable, CrmThrottled, CrmRefused
   */
  show?(ids: readonly string[]): Promise<ShownTickets>;
}
