import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { IConstruct } from 'constructs';
import type { Config } from '../config.ts';
import type { NodeFunction } from '../constructs/node-function.ts';
import type { StateMachine } from '../constructs/state-machine.ts';
import type { TaskQueue } from '../constructs/task-queue.ts';
import type { WebhookApi } from '../constructs/webhook-api.ts';

/** What every pipeline is given. */
export interface PipelineProps {
  readonly config: Config;
}

/** What every pipeline shows, for outputs, alarms and redrives. */
export interface Pipeline extends IConstruct {
  /** For example `document-ingestion`; the name of its folder, files and state machine. */
  readonly pipeline: string;
  readonly functions: readonly NodeFunction[];
  readonly stateMachine?: StateMachine;
  /** Pipeline whose executions start this one's: a failure is that one's too, and told there. */
  readonly partOf?: string;
  /** Whether its executions are about no file or load, so that the recorder leaves them out. @default false */
  readonly isUnrecorded?: boolean;
  /** Queues that its functions empty. */
  readonly queues: readonly TaskQueue[];
  /** Where a service on the internet calls it. */
  readonly webhookApi?: WebhookApi;
  /** Where messages go that could not be worked on. */
  readonly deadLetters: readonly IQueue[];
}

/** New objects below a prefix of the landing bucket start a pipeline. */
export interface Trigger {
  readonly prefix: string;
  /** What the files' pipeline is called, in the audit table and metrics. */
  readonly pipeline: string;
  /** Pipeline whose state machine runs for them. @default pipeline */
  readonly machine?: string;
}
