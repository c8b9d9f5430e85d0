import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { MAINTENANCE_PREFIX } from '../../lambdas/maintenance/contract.ts';
import { LAKE } from '../../lambdas/shared/contract.ts';
import { MAX_LOAD_ENTRIES } from '../../lambdas/warehouse-load/contract.ts';
import type { AuditTable } from '../constructs/audit-table.ts';
import { grantPutIncident } from '../constructs/incidents.ts';
import type { Lake } from '../constructs/lake.ts';
import { NodeFunction } from '../constructs/node-function.ts';
import { StateMachine } from '../constructs/state-machine.ts';
import { type Warehouse, warehouseSubstitutions } from '../constructs/warehouse.ts';
import type { Pipeline, PipelineProps } from './pipeline.ts';

export interface WarehouseLoadPipelineProps extends PipelineProps {
  readonly lake: Lake;
  readonly audit: AuditTable;
  /** Left out, records end as Parquet in the lake. */
  readonly warehouse?: Warehouse;
}

/** Curated records, gathered for a while, become one load of the warehouse. */
export class WarehouseLoadPipeline extends Construct implements Pipeline {
  readonly pipeline = 'warehouse-load';
  readonly functions: readonly NodeFunction[];
  readonly stateMachine: StateMachine;
  readonly queues;
  readonly deadLetters;

  constructor(scope: Construct, id: string, props: WarehouseLoadPipelineProps) {
    super(scope, id);
    const { config, lake, audit, warehouse } = props;
    const { pipeline } = this;

    const compact = new NodeFunction(this, 'Compact', {
      config,
      pipeline,
      entry: 'lambdas/warehouse-load/compact.ts',
      description: 'Gathers the Parquet files of a manifest, and the statements that load them.',
      timeout: Duration.minutes(15),
      memory: 2048,
    });
    // Publications of pipelines that load themselves have no event, and Parquet files of publications no version.
    lake.grantRead(compact, LAKE.manifests, LAKE.published, LAKE.loaded, MAINTENANCE_PREFIX.compaction);
    lake.grantTellMissing(compact, LAKE.loaded, MAINTENANCE_PREFIX.compaction);
    // An event names the version that it is about.
    lake.grantReadVersions(compact, LAKE.curated);
    lake.grantWrite(compact, LAKE.loaded, LAKE.manifests);
    compact.addEnvironment('WAREHOUSE_SCHEMA', config.warehouse.schema);

    const mark = new NodeFunction(this, 'Mark', {
      config,
      pipeline,
      entry: 'lambdas/warehouse-load/mark.ts',
      description: 'Marks every file of a load in the audit table.',
      timeout: Duration.minutes(15),
    });
    lake.grantRead(mark, LAKE.manifests);
    audit.grantRecord(mark);

    grantPutIncident(mark);

    const migrate = new NodeFunction(this, 'Migrate', {
      config,
      pipeline,
      entry: 'lambdas/warehouse-load/migrate.ts',
      description: 'Says which tables, columns and views the warehouse lacks.',
      timeout: Duration.minutes(1),
    });
    migrate.addEnvironment('WAREHOUSE_SCHEMA', config.warehouse.schema);

    this.stateMachine = new StateMachine(this, 'StateMachine', {
      config,
      pipeline,
      substitutions: {
        CompactFunctionArn: compact.functionArn,
        MarkFunctionArn: mark.functionArn,
        MigrateFunctionArn: migrate.functionArn,
        ...warehouseSubstitutions(warehouse),
        PollSeconds: `${config.warehouse.pollSeconds}`,
      },
      invokes: [compact, migrate, mark],
      permissions: warehouse?.statementPermissions ?? [],
    });

    const start = new NodeFunction(this, 'Start', {
      config,
      pipeline,
      entry: 'lambdas/warehouse-load/start.ts',
      description: 'Writes the manifest of a batch of curated records and starts its load.',
      timeout: Duration.minutes(2),
    });
    lake.curated.consumedBy(start, {
      // As many records as they come: each load wakes the warehouse.
      batchSize: MAX_LOAD_ENTRIES,
      batchingWindow: Duration.seconds(config.warehouse.batchSeconds),
      // More at once would only be loads that conflict with each other.
      maxConcurrency: 2,
    });
    lake.grantWrite(start, LAKE.manifests);
    this.stateMachine.grantStart(start);
    start.addEnvironment('LOAD_STATE_MACHINE_ARN', this.stateMachine.arn);

    this.functions = [start, compact, migrate, mark];
    this.queues = [lake.curated];
    this.deadLetters = [lake.curated.deadLetters];
  }
}
