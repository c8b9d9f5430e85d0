import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { Dataset } from '../../datasets/dataset.ts';
import { TABULAR } from '../../datasets/index.ts';
import { LAKE } from '../../lambdas/shared/contract.ts';
import { TABULAR_PREFIX, type TabularSettings } from '../../lambdas/tabular/contract.ts';
import { grantPutIncident } from '../constructs/incidents.ts';
import type { Lake, LakePrefix } from '../constructs/lake.ts';
import type { LandingZone } from '../constructs/landing-zone.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import { StateMachine } from '../constructs/state-machine.ts';
import type { Pipeline, PipelineProps, Trigger } from './pipeline.ts';

export interface TabularFunctionsProps extends PipelineProps {
  readonly landing: LandingZone;
  readonly lake: Lake;
}

/** MB. Below 1,769 a function has only a share of a processor; rows are bounded to far less memory than this. */
const WHOLE_PROCESSOR = 1769;

/** The steps of tabular files, which the pipelines of all datasets share. */
export class TabularFunctions extends Construct implements Pipeline {
  readonly pipeline = 'tabular';
  readonly functions: readonly NodeFunction[];
  /** The functions by the state that invokes them, as placeholders of the definition are called after. */
  readonly byState: Readonly<Record<string, NodeFunction>>;
  readonly queues = [];
  readonly deadLetters = [];

  constructor(scope: Construct, id: string, props: TabularFunctionsProps) {
    super(scope, id);
    const { config, landing, lake } = props;
    const prefixes = TABULAR.map(({ name }) => `${name}/`);
    const below = (prefix: LakePrefix): LakePrefix[] =>
      prefixes.map((name): LakePrefix => `${prefix}${name}`);
    const [work, loaded, quarantined] = [
      below(TABULAR_PREFIX.work),
      below(LAKE.loaded),
      below(LAKE.quarantine),
    ];
    const step = (name: string, file: string, description: string, minutes: number, memory = 512) =>
      new NodeFunction(this, name, {
        config,
        pipeline: this.pipeline,
        entry: `lambdas/tabular/${file}.ts`,
        description,
        timeout: Duration.minutes(minutes),
        memory,
      });
    const { maxBytes, splitBytes } = config.tabular;
    const settings: TabularSettings = { maxBytes, splitBytes };

    const inspect = step(
      'Inspect',
      'inspect',
      'Judges a tabular file by its beginning, and cuts a large one.',
      15,
      WHOLE_PROCESSOR,
    );
    landing.grantRead(inspect, ...prefixes);
    landing.grantTellMissing(inspect, ...prefixes);
    lake.grantRead(inspect, ...work);
    lake.grantTellMissing(inspect, ...work);
    inspect.addEnvironment('TABULAR', JSON.stringify(settings));

    const validate = step(
      'Validate',
      'validate',
      'Makes Parquet of the rows of a file, or of a part of one.',
      15,
      WHOLE_PROCESSOR,
    );
    landing.grantRead(validate, ...prefixes);
    landing.grantTellMissing(validate, ...prefixes);
    lake.grantRead(validate, ...work);
    lake.grantTellMissing(validate, ...work);
    lake.grantWrite(validate, ...work, ...loaded, ...quarantined);
    lake.grantDelete(validate, ...loaded);
    validate.addEnvironment('TABULAR', JSON.stringify(settings));

    const compare = step(
      'Compare',
      'compare',
      'Counts the rows of a file, and finds keys that several have.',
      15,
      WHOLE_PROCESSOR,
    );
    lake.grantRead(compare, ...work);
    lake.grantWrite(compare, ...work);

    const cleanUp = step('CleanUp', 'clean-up', 'Deletes the staged parts of a refused file.', 5);
    lake.grantRead(cleanUp, ...work);
    lake.grantDelete(cleanUp, ...loaded);

    const check = step('Check', 'check', 'Reads the parts of a file back.', 10);
    lake.grantRead(check, ...work, ...loaded);

    const archive = step('Archive', 'archive', 'Keeps a copy of a published file.', 10);
    landing.grantRead(archive, ...prefixes);
    landing.grantTellMissing(archive, ...prefixes);
    lake.grantWrite(archive, ...below(TABULAR_PREFIX.archive));

    const publish = step('Publish', 'publish', 'Publishes the rows of a file.', 5);
    lake.grantRead(publish, ...work);
    lake.grantWrite(publish, ...work, ...below(LAKE.curated));
    grantPutIncident(publish);

    const quarantine = step(
      'Quarantine',
      'quarantine',
      'Copies a refused file to quarantine, with the reason.',
      10,
    );
    landing.grantRead(quarantine, ...prefixes);
    landing.grantTellMissing(quarantine, ...prefixes);
    lake.grantWrite(quarantine, ...quarantined);
    grantPutIncident(quarantine);

    this.byState = {
      Inspect: inspect,
      Validate: validate,
      Compare: compare,
      CleanUp: cleanUp,
      Check: check,
      Archive: archive,
      Publish: publish,
      Quarantine: quarantine,
    };
    this.functions = Object.values(this.byState);
  }
}

export interface TabularPipelineProps extends PipelineProps {
  readonly dataset: Dataset;
  readonly steps: TabularFunctions;
}

/** The files of one dataset, from landing bucket to publication. It is called as the dataset is. */
export class TabularPipeline extends Construct implements Pipeline {
  static readonly triggers: readonly Trigger[] = TABULAR.map(({ name }) => ({
    prefix: `${name}/`,
    pipeline: name,
  }));
  readonly pipeline: string;
  readonly functions: readonly NodeFunction[] = [];
  readonly stateMachine: StateMachine;
  readonly queues = [];
  readonly deadLetters = [];

  constructor(scope: Construct, id: string, props: TabularPipelineProps) {
    super(scope, id);
    const { config, dataset, steps } = props;
    this.pipeline = dataset.name;
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      config,
      pipeline: dataset.name,
      definition: 'tabular',
      substitutions: {
        Dataset: dataset.name,
        Workers: `${config.tabular.workers}`,
        ...Object.fromEntries(
          Object.entries(steps.byState).map(([name, fn]) => [`${name}FunctionArn`, fn.functionArn]),
        ),
      },
      invokes: steps.functions,
      distributedMaps: ['Parts'],
    });
  }
}
