import { ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { Severity } from '../../../lambdas/shared/contract.ts';
import type { Config } from '../../config.ts';
import type { Pipeline } from '../../pipelines/pipeline.ts';

/** What there is to watch. */
export interface Watched {
  readonly config: Config;
  /** Pipelines whose executions the recorder measures. */
  readonly pipelines: readonly Pipeline[];
  /** Pipelines that look after these: reconciliation, canary, help desk. */
  readonly operations: readonly Pipeline[];
  /** Names of the pipelines that files land for. */
  readonly files: readonly string[];
  readonly tables: readonly { readonly pipeline: string; readonly name: string; readonly table: ITable }[];
}

/** One thing that an alarm of a kind watches. */
export interface Watch {
  readonly pipeline: string;
  /** What of the pipeline, where there are several, as part of the alarm's name: `Tasks`. */
  readonly part?: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** What is wrong when it fires, in a sentence. */
  readonly sentence: string;
  /** What mends it, where that is one command. */
  readonly command?: string;
  /** Where they differ from those of the kind. */
  readonly periods?: readonly [last: number, breaching: number];
}

/** A kind of alarm: what all its alarms have in common, and what they watch. */
export interface Kind {
  /** Part of the alarms' names. */
  readonly name: string;
  readonly severity: Severity;
  /** Its section in docs/operations.md. */
  readonly runbook: string;
  /** It says the same as a ticket of failed executions does. */
  readonly covers?: 'executions';
  /** `second` where the help desk may be what is broken. @default `desk`; `second` for the help desk's own */
  readonly channel?: 'desk' | 'second';
  readonly comparison: ComparisonOperator;
  /** Newest periods that are looked at, and how many of them make an alarm. @default [1, 1] */
  readonly periods?: readonly [last: number, breaching: number];
  readonly missing: TreatMissingData;
  readonly missingBecause: string;
  readonly watches: (watched: Watched) => readonly Watch[];
}

export const { BREACHING, IGNORE, NOT_BREACHING } = TreatMissingData;
export const {
  GREATER_THAN_OR_EQUAL_TO_THRESHOLD: AT_LEAST,
  GREATER_THAN_THRESHOLD: ABOVE,
  LESS_THAN_THRESHOLD: BELOW,
} = ComparisonOperator;
