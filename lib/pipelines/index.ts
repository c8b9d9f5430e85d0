import type { Construct } from 'constructs';
import { TABULAR } from '../../datasets/index.ts';
import type { Config } from '../config.ts';
import { pascalCase } from '../constructs/alarms/names.ts';
import type { DataStack } from '../stacks/data.ts';
import { CrmTicketsPipeline } from './crm-tickets.ts';
import { DocumentIngestionPipeline } from './document-ingestion.ts';
import { IntakePipeline } from './intake.ts';
import { OcrPipeline } from './ocr.ts';
import type { Pipeline, Trigger } from './pipeline.ts';
import { RecorderPipeline } from './recorder.ts';
import { SentimentPipeline } from './sentiment.ts';
import { TabularFunctions, TabularPipeline } from './tabular.ts';
import { WarehouseLoadPipeline } from './warehouse-load.ts';

/** Which new objects of the landing bucket start which pipeline. */
export const TRIGGERS: readonly Trigger[] = [
  DocumentIngestionPipeline.trigger,
  DocumentIngestionPipeline.canary,
  ...TabularPipeline.triggers,
];

/** Every pipeline, in the order in which one needs another. */
export function createPipelines(scope: Construct, config: Config, data: DataStack): readonly Pipeline[] {
  const { landing, lake, audit, jobs, sources, warehouse } = data;
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
  const steps = new TabularFunctions(scope, 'Tabular', { config, landing, lake });
  const tabular = TABULAR.map(
    (dataset) => new TabularPipeline(scope, pascalCase(dataset.name), { config, dataset, steps }),
  );
  const withStateMachines = [documentIngestion, ocr, sentiment, ...tabular, warehouseLoad];
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
  const crmTickets = sources
    ? [
        new CrmTicketsPipeline(scope, 'CrmTickets', {
          config,
          lake,
          sources,
          sentiment: sentiment.stateMachine,
          loads: warehouseLoad.stateMachine,
        }),
      ]
    : [];
  return [intake, steps, ...withStateMachines, ...crmTickets, recorder];
}
