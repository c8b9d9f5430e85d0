import type { SourceFile } from '../shared/contract.ts';

/** What the functions of the canary are told; the variable `CANARY` holds it as JSON. */
export interface CanarySettings {
  /** Beginning of the name of the alarm on the file that fails on purpose. */
  readonly alarmPrefix: string;
}

/** The files of one run. */
export interface CanaryRun {
  /** Name of the execution. */
  readonly run: string;
  readonly succeeding: SourceFile;
  readonly failing: SourceFile;
}

/**
 * What is looked for: first that everything `happened`, then, when the canary has ended its incident, that it is
 * `over`.
 */
export type Phase = 'happened' | 'over';

/** What a look found. */
export interface Look {
  /** Expectations that came true, by name, now or at an earlier look. */
  readonly seen: readonly string[];
  /** A sentence for each that has not. */
  readonly missing: readonly string[];
}
