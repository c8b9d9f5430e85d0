import { Aws } from 'aws-cdk-lib';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import { Construct } from 'constructs';
import { glueColumns, glueJsonColumns } from '../../datasets/dataset.ts';
import { DATASETS } from '../../datasets/index.ts';
import { RECONCILIATION_PREFIX, REPORT_COLUMNS } from '../../lambdas/reconciliation/contract.ts';
import { LAKE } from '../../lambdas/shared/contract.ts';
import type { Config } from '../config.ts';
import type { Lake } from './lake.ts';

export interface CatalogueProps {
  readonly config: Config;
  readonly lake: Lake;
}

type Column = CfnTable.ColumnProperty;

/** How a table's files are read. */
interface Format {
  readonly classification: string;
  readonly inputFormat: string;
  readonly outputFormat: string;
  readonly serde: string;
}

const JSON_LINES: Format = {
  classification: 'json',
  inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
  outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
  serde: 'org.openx.data.jsonserde.JsonSerDe',
};

const PARQUET: Format = {
  classification: 'parquet',
  inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
  outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
  serde: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
};

/** What the reconciliation counted, run by run; partitioned by the day of the run. */
const RECONCILIATION = {
  name: 'reconciliation',
  description: 'Files by pipeline and day of landing, as each run of the reconciliation counted them.',
  prefix: RECONCILIATION_PREFIX.report,
  format: JSON_LINES,
  columns: REPORT_COLUMNS.map(([name, type, comment]): Column => ({ name, type, comment })),
};

/** First year of the partitions that Athena looks for. */
const FIRST_YEAR = 2020;
const LAST_YEAR = 2100;

/** The partitions follow from their names, so that nobody has to add them day by day (Athena partition projection). */
function projection(location: string): Record<string, string> {
  return {
    'projection.enabled': 'true',
    'projection.year.type': 'integer',
    'projection.year.range': `${FIRST_YEAR},${LAST_YEAR}`,
    'projection.month.type': 'integer',
    'projection.month.range': '1,12',
    'projection.month.digits': '2',
    'projection.day.type': 'integer',
    'projection.day.range': '1,31',
    'projection.day.digits': '2',
    'storage.location.template': `${location}year=\${year}/month=\${month}/day=\${day}/`,
  };
}

/** The lake for Athena: for each dataset `<name>_curated` over its JSON records and `<name>` over its loaded Parquet files; and what the reconciliation counts. */
export class Catalogue extends Construct {
  /** People write the name in queries, so it is chosen and not generated. */
  readonly databaseName: string;

  constructor(scope: Construct, id: string, props: CatalogueProps) {
    super(scope, id);
    const { config, lake } = props;
    this.databaseName = `millrace_${config.environment.replaceAll('-', '_')}`;
    const database = new CfnDatabase(this, 'Database', {
      catalogId: Aws.ACCOUNT_ID,
      databaseInput: { name: this.databaseName, description: 'What the Millrace pipelines publish.' },
    });
    const tables = Object.values(DATASETS).flatMap((dataset) => [
      {
        name: `${dataset.name}_curated`,
        description: dataset.description,
        prefix: `${LAKE.curated}${dataset.name}/`,
        format: JSON_LINES,
        columns: glueJsonColumns(dataset),
      },
      {
        name: dataset.name,
        description: dataset.description,
        prefix: `${LAKE.loaded}${dataset.name}/`,
        format: PARQUET,
        columns: glueColumns(dataset),
      },
    ]);
    for (const { name, description, prefix, format, columns } of [...tables, RECONCILIATION]) {
      const location = `s3://${lake.bucket.bucketName}/${prefix}`;
      const table = new CfnTable(this, name, {
        catalogId: Aws.ACCOUNT_ID,
        databaseName: this.databaseName,
        tableInput: {
          name,
          description,
          tableType: 'EXTERNAL_TABLE',
          parameters: { EXTERNAL: 'TRUE', classification: format.classification, ...projection(location) },
          partitionKeys: ['year', 'month', 'day'].map((key) => ({ name: key, type: 'int' })),
          storageDescriptor: {
            location,
            columns: [...columns],
            inputFormat: format.inputFormat,
            outputFormat: format.outputFormat,
            serdeInfo: { serializationLibrary: format.serde },
          },
        },
      });
      table.node.addDependency(database);
    }
  }
}
