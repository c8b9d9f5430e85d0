import type { Severity } from '../shared/contract.ts';

/** Where a ticket comes from. */
export type Source = 'execution' | 'alarm' | 'incident';

/** What people are told of an incident. Nothing of it is content of a file. */
export interface Facts {
  readonly source: Source;
  readonly severity: Severity;
  readonly pipeline: string;
  /** At most 120 characters. */
  readonly title: string;
  /** What happened, in a sentence. */
  readonly summary: string;
  /** Section of docs/operations.md: an anchor. */
  readonly runbook: string;
  /** The exact command that mends it. */
  readonly command?: string | undefined;
  readonly executionArn?: string | undefined;
  readonly alarmName?: string | undefined;
}

/** One thing that happened to one ticket. */
export interface Change {
  /** A function of what happened: the same change again changes nothing. */
  readonly eventId: string;
  /** What makes two incidents the same. */
  readonly key: string;
  /** `NOTED` changes nothing but the history, and what an open ticket says. */
  readonly state: 'OPEN' | 'RESOLVED' | 'NOTED';
  /** When it happened; ISO 8601 with milliseconds, UTC. */
  readonly at: string;
  /** What it is about; `ALL` for an incident that is one thing, and for the end of every member at once. */
  readonly member: string;
  readonly facts: Facts;
}

/** The member of an incident that is one thing. */
export const ALL = '';

/** How an execution ended. */
export interface Ending {
  readonly eventId: string;
  readonly at: string;
  readonly pipeline: string;
  /** File id, load id or name of the execution; `ALL` for pipelines that run again by themselves. */
  readonly member: string;
  /** What it failed with; undefined for a success. */
  readonly failure?: { readonly key: string; readonly facts: Facts };
}

/** What a message of the help desk's queue says. */
export type Message =
  | { readonly kind: 'changes'; readonly changes: readonly Change[] }
  /** An alarm that goes off, or not: `covers` are the pipelines whose failed executions it only repeats. */
  | { readonly kind: 'alarm'; readonly change: Change; readonly coversExecutions: boolean }
  | { readonly kind: 'ending'; readonly ending: Ending }
  /** It is time to look at every ticket. */
  | { readonly kind: 'look' };
