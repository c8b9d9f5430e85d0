import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Config } from '../config.ts';
import type { NodeFunction } from '../constructs/node-function.ts';
import type { StateMachine } from '../constructs/state-machine.ts';

/** What every pipeline is given. */
export interface PipelineProps {
  readonly config: Config;
}

/** What every pipeline shows, for outputs, alarms and redrives. */
export interface Pipeline {
  /** For example `document-ingestion`; the name of its folder, files and state machine. */
  readonly pipeline: string;
  readonly functions: readonly NodeFunction[];
  readonly stateMachine?: StateMachine;
  /** Where messages go that could not be worked on. */
  readonly deadLetters: readonly IQueue[];
}

/** New objects below a prefix of the landing bucket start a pipeline. */
export interface Trigger {
  readonly prefix: string;
  readonly pipeline: string;
}
