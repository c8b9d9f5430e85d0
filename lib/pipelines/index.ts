import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import type { DataStack } from '../stacks/data.ts';
import { DocumentIngestionPipeline } from './document-ingestion.ts';
import { IntakePipeline } from './intake.ts';
import { OcrPipeline } from './ocr.ts';
import type { Pipeline, Trigger } from './pipeline.ts';
import { RecorderPipeline } from './recorder.ts';
import { SentimentPipeline } from './sentiment.ts';
import { WarehouseLoadPipeline } from './warehouse-load.ts';

/** Which new objects of the landing bucket start which pipeline. */
export const TRIGGERS: readonly Trigger[] = [
  DocumentIngestionPipeline.trigger,
  DocumentIngestionPipeline.canary,
];

/** Every pipeline, in the order in which one needs another. */
export function createPipelines(scope: Construct, config: Config, data: DataStack): readonly Pipeline[] {
  const { landing, lake, audit, jobs, warehouse } = data;
  const ocr = new OcrPipeline(scope, 'Ocr', {
    config,
    landing,
    lake,
    jobs,
    // The canary's files are text.
    prefixes: [DocumentIngestionPipeline.trigger.prefix],
  });
  const sentiment = new SentimentPipeline(scope, 'Sentiment', { config, lake });
  const documentIngestion = new DocumentIngestionPipeline(scope, 'DocumentIngestion', {
    config,
    landing,
    lake,
    ocr: ocr.stateMachine,
    sentiment: sentiment.stateMachine,
  });
  const warehouseLoad = new WarehouseLoadPipeline(scope, 'WarehouseLoad', {
    config,
    lake,
    audit,
    ...(warehouse && { warehouse }),
  });
  const withStateMachines = [documentIngestion, ocr, sentiment, warehouseLoad];
  const stateMachines = withStateMachines.map(({ stateMachine }) => stateMachine);

  const intake = new IntakePipeline(scope, 'Intake', {
    config,
    landing,
    audit,
    triggers: new Map(
      TRIGGERS.map(({ prefix, pipeline, machine = pipeline }) => {
        const stateMachine = stateMachines.find((candidate) => candidate.pipeline === machine);
        if (!stateMachine) throw new Error(`${prefix} triggers ${machine}, which has no state machine`);
        return [prefix, { pipeline, stateMachine }];
      }),
    ),
  });
  const recorder = new RecorderPipeline(scope, 'Recorder', { config, audit, stateMachines });
  return [intake, ...withStateMachines, recorder];
}
