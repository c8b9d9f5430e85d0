import { CfnOutput, Duration, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { AuditTable } from '../constructs/audit-table.ts';
import { bucketDefaults } from '../constructs/buckets.ts';
import { Catalogue } from '../constructs/catalogue.ts';
import { Lake } from '../constructs/lake.ts';
import { LandingZone } from '../constructs/landing-zone.ts';
import { OcrJobsTable } from '../constructs/ocr-jobs-table.ts';
import { SourcesTable } from '../constructs/sources-table.ts';
import { TicketsTable } from '../constructs/tickets-table.ts';
import { Warehouse } from '../constructs/warehouse.ts';

export interface DataStackProps extends StackProps {
  readonly config: Config;
  /** Prefixes of the landing bucket whose new objects start a pipeline. */
  readonly triggerPrefixes: readonly string[];
}

/** Everything that holds data, and so outlives the code: buckets and the queues of their events, tables, catalogue, warehouse. */
export class DataStack extends Stack {
  readonly landing: LandingZone;
  readonly lake: Lake;
  readonly audit: AuditTable;
  readonly jobs: OcrJobsTable;
  readonly tickets: TicketsTable;
  /** Where tickets are fetched from a CRM. */
  readonly sources?: SourcesTable;
  readonly warehouse?: Warehouse;

  constructor(scope: Construct, id: string, props: DataStackProps) {
    super(scope, id, props);
    const { config, triggerPrefixes } = props;
    const accessLogs = new Bucket(this, 'AccessLogs', {
      ...bucketDefaults(config),
      versioned: false,
      lifecycleRules: [
        {
          expiration: Duration.days(config.retention.accessLogDays),
          abortIncompleteMultipartUploadAfter: Duration.days(config.retention.unfinishedUploadDays),
        },
      ],
    });
    this.landing = new LandingZone(this, 'Landing', { config, accessLogs, prefixes: triggerPrefixes });
    this.lake = new Lake(this, 'Lake', { config, accessLogs });
    this.audit = new AuditTable(this, 'Audit', { config });
    this.jobs = new OcrJobsTable(this, 'OcrJobs', { config });
    this.tickets = new TicketsTable(this, 'Tickets', { config });
    if (config.crm.enabled) this.sources = new SourcesTable(this, 'Sources', { config });
    const catalogue = new Catalogue(this, 'Catalogue', { config, lake: this.lake });
    if (config.warehouse.enabled)
      this.warehouse = new Warehouse(this, 'Warehouse', { config, lake: this.lake });

    const outputs: Record<string, string | undefined> = {
      LandingBucketName: this.landing.bucket.bucketName,
      LakeBucketName: this.lake.bucket.bucketName,
      AuditTableName: this.audit.table.tableName,
      OcrJobsTableName: this.jobs.table.tableName,
      TicketsTableName: this.tickets.table.tableName,
      SourcesTableName: this.sources?.table.tableName,
      GlueDatabaseName: catalogue.databaseName,
      WarehouseWorkgroupName: this.warehouse?.workgroupName,
      WarehouseDatabase: this.warehouse?.database,
      WarehouseSchema: this.warehouse && config.warehouse.schema,
      WarehouseSecretArn: this.warehouse?.secretArn,
      // What the command line's estimate of a query's cost begins with.
      WarehouseRpus: this.warehouse && `${config.warehouse.baseCapacity}`,
    };
    for (const [name, value] of Object.entries(outputs)) {
      if (value !== undefined) new CfnOutput(this, name, { value });
    }
  }

  /**
   * The region's first three zones. A warehouse wants three; the default is two where the account is open, and where it
   * is fixed asks AWS during synthesis, which would then need credentials.
   */
  override get availabilityZones(): string[] {
    return [0, 1, 2].map((index) => Fn.select(index, Fn.getAzs()));
  }
}
