import { Aws } from 'aws-cdk-lib';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import { Construct } from 'constructs';
import {
  type Dataset,
  glueColumns,
  glueComment,
  glueJsonColumns,
  glueType,
  PARTITION_YEARS,
} from '../../datasets/dataset.ts';
import { DATASETS } from '../../datasets/index.ts';
import {
  COMPACTION_COLUMNS,
  compactionPrefix,
  MAINTENANCE_COLUMNS,
  MAINTENANCE_PREFIX,
} from '../../lambdas/maintenance/contract.ts';
import { RECONCILIATION_PREFIX, REPORT_COLUMNS } from '../../lambdas/reconciliation/contract.ts';
import { LAKE, publicationPrefix } from '../../lambdas/shared/contract.ts';
import type { Config } from '../config.ts';
import type { Lake } from './lake.ts';
import { lakeTables, PARTITION_KEYS, prestoView, viewColumns } from './lake-view.ts';

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

/** The partitions follow from their names, so that nobody has to add them day by day (Athena partition projection). */
function projection(location: string): Record<string, string> {
  return {
    'projection.enabled': 'true',
    'projection.year.type': 'integer',
    'projection.year.range': `${PARTITION_YEARS.first},${PARTITION_YEARS.last}`,
    'projection.month.type': 'integer',
    'projection.month.range': '1,12',
    'projection.month.digits': '2',
    'projection.day.type': 'integer',
    'projection.day.range': '1,31',
    'projection.day.digits': '2',
    'storage.location.template': `${location}year=\${year}/month=\${month}/day=\${day}/`,
  };
}

type Columns = readonly (readonly [name: string, type: string, comment: string])[];

/** A table over files of the lake. */
interface LakeTable {
  readonly name: string;
  readonly description: string;
  readonly prefix: string;
  readonly format: Format;
  readonly columns: readonly Column[];
  /** Whether the files are in folders `year=/month=/day=`; those of other tables are read all, however deep they lie. */
  readonly partitioned: boolean;
}

const named = (columns: Columns): Column[] =>
  columns.map(([name, type, comment]) => ({ name, type, comment }));

/** What runs report of themselves, run by run; partitioned by the day of the run. */
const REPORTS: readonly LakeTable[] = [
  {
    name: 'reconciliation',
    description: 'Files by pipeline and day of landing, as each run of the reconciliation counted them.',
    prefix: RECONCILIATION_PREFIX.report,
    format: JSON_LINES,
    columns: named(REPORT_COLUMNS),
    partitioned: true,
  },
  {
    name: 'maintenance',
    description: 'What each run of maintenance did to a dataset, what it cost and what it saves.',
    prefix: MAINTENANCE_PREFIX.report,
    format: JSON_LINES,
    columns: named(MAINTENANCE_COLUMNS),
    partitioned: true,
  },
];

/** Publications (lambdas/shared/publication.ts): the serde reads names in lower case. */
const PUBLICATION_COLUMNS: Columns = [
  ['dataset', 'string', 'Dataset'],
  ['fileid', 'string', 'Id of the version of the file that brought the rows'],
  ['sourcefile', 'string', 'Key of that file, whatever its version'],
  ['landedat', 'string', 'When that version landed, ISO 8601'],
  ['rows', 'bigint', 'Rows of all parts'],
  ['parts', 'array<struct<key:string,rows:bigint,bytes:bigint>>', 'Its Parquet files'],
];

/** The tables over a dataset's files, which its view puts together. */
function tablesOf(dataset: Dataset): LakeTable[] {
  const { files, curated, publications, compactions } = lakeTables(dataset);
  const { name, description, origin } = dataset;
  return [
    {
      name: files,
      description: `Files of ${name}, with those that are not published or not any more; ${name} shows what counts.`,
      prefix: `${LAKE.loaded}${name}/`,
      format: PARQUET,
      columns: glueColumns(dataset),
      partitioned: true,
    },
    origin === 'records'
      ? {
          name: curated,
          description,
          prefix: `${LAKE.curated}${name}/`,
          format: JSON_LINES,
          columns: glueJsonColumns(dataset),
          partitioned: true,
        }
      : {
          name: publications,
          description: `Files of ${name} that are published: one row for each version of a source file.`,
          prefix: publicationPrefix(origin, name),
          format: JSON_LINES,
          columns: named(PUBLICATION_COLUMNS),
          partitioned: false,
        },
    {
      name: compactions,
      description: `Files of ${name} that others have replaced: one row for each partition.`,
      prefix: compactionPrefix(name),
      format: JSON_LINES,
      columns: named([['dataset', 'string', 'Dataset'], ...COMPACTION_COLUMNS]),
      partitioned: false,
    },
  ];
}

/**
 * The lake for Athena: for each dataset a view of its name over the rows that count, the tables over its files behind
 * it, and what runs report of themselves.
 */
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
    const add = (tableInput: CfnTable.TableInputProperty & { readonly name: string }) => {
      const table = new CfnTable(this, tableInput.name, {
        catalogId: Aws.ACCOUNT_ID,
        databaseName: this.databaseName,
        tableInput,
      });
      table.node.addDependency(database);
    };
    const datasets = Object.values(DATASETS);
    for (const table of [...datasets.flatMap(tablesOf), ...REPORTS]) add(tableInput(table, lake));
    for (const dataset of datasets) add(viewInput(dataset, this.databaseName));
  }
}

function tableInput({ name, description, prefix, format, columns, partitioned }: LakeTable, lake: Lake) {
  const location = `s3://${lake.bucket.bucketName}/${prefix}`;
  return {
    name,
    description,
    tableType: 'EXTERNAL_TABLE',
    parameters: {
      EXTERNAL: 'TRUE',
      classification: format.classification,
      ...(partitioned && projection(location)),
    },
    ...(partitioned && { partitionKeys: PARTITION_KEYS.map((key) => ({ name: key, type: 'int' })) }),
    storageDescriptor: {
      location,
      columns: [...columns],
      inputFormat: format.inputFormat,
      outputFormat: format.outputFormat,
      serdeInfo: { serializationLibrary: format.serde },
    },
  };
}

function viewInput(dataset: Dataset, databaseName: string) {
  return {
    name: lakeTables(dataset).view,
    description: dataset.description,
    tableType: 'VIRTUAL_VIEW',
    parameters: { presto_view: 'true', comment: 'Presto View' },
    viewOriginalText: prestoView(databaseName, dataset),
    viewExpandedText: '/* Presto View */',
    storageDescriptor: {
      columns: viewColumns(dataset).map((column) => ({
        name: column.name,
        type: glueType(column),
        comment: glueComment(column),
      })),
      // Of a view Athena reads none of it, but Glue's tables of views have it.
      serdeInfo: { name: '-', serializationLibrary: '-' },
    },
  };
}
