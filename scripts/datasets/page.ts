import {
  type Column,
  type Dataset,
  type Expectations,
  type Files,
  glueType,
  type Origin,
  parquetColumns,
} from '../../datasets/dataset.ts';
import { FORMATS } from '../../lambdas/shared/dataset/formats.ts';
import { elementOf } from '../../lambdas/shared/dataset/parquet.ts';
import { redshiftType } from '../../lambdas/warehouse-load/sql.ts';
import { lakeTables } from '../../lib/constructs/lake-view.ts';
import { fileOf } from '../../lib/datasets/declarations.ts';

const INTRODUCTION = `# Datasets

Written from the declarations in \`datasets/\` by \`npm run docs:datasets\`; changes belong there.

A dataset is declared once. From the declaration come the validation of rows, the Parquet schema, the tables in the Glue catalogue, the table in the warehouse and its loads, the alarms for data that is late or too much, and this page.

- **A new dataset of files** is one file in \`datasets/\` and its name in the list of \`datasets/index.ts\`. Its files then go to \`<dataset>/\` of the landing bucket.
- **Texts** are kept as they are, but for spaces at their end: Redshift compares without these, and one key there would be two in Athena.
- **A new column** goes behind the others and may be empty: files of before stay readable, and the next load adds it to the warehouse's table. Anything else that tables and files cannot follow (a column that is gone, renamed, of another type or newly required, another key or event time) stops synthesis, with what to do instead. \`datasets/schemas.lock.json\` holds what was last released; \`npm run docs:datasets\` brings it up to date with this page.
- **In Athena** \`<dataset>\` is a view of the rows that count. \`<dataset>_files\` and what else is named below are the tables behind it: all files, published or not. Conditions on \`year\`, \`month\` and \`day\` (of the event time, UTC) save reading.
- **Rows are checked** when their file is read: a text is read into the column's type, a time without a zone is UTC, and an empty text is no value. Event times are from 2000 to 2049.`;

/** The page of all datasets, in Markdown. */
export function datasetsPage(datasets: readonly Dataset[]): string {
  const overview = table(
    ['dataset', 'what it is', 'key', 'event time', 'kept'],
    datasets.map((dataset) => [
      `[${dataset.name}](#${dataset.name})`,
      dataset.description,
      code(...dataset.key),
      code(dataset.partitionBy),
      keptFor(dataset),
    ]),
  );
  return `${[INTRODUCTION, overview, ...datasets.map(section)].join('\n\n')}\n`;
}

const SOURCES: Readonly<Record<Origin, (dataset: Dataset) => string>> = {
  records: () => 'records of the documents’ pipeline',
  landing: ({ name }) => `files below \`${name}/\` of the landing bucket`,
  crm: () => 'pages of the CRM',
  job: () => 'a Glue job',
};

function section(dataset: Dataset): string {
  const columns = [
    ...dataset.columns.map((column) => columnRow(column)),
    ...parquetColumns(dataset).slice(dataset.columns.length).map(columnRow),
  ];
  return [
    `## ${dataset.name}`,
    `${dataset.description} Declared in [${fileOf(dataset)}](../${fileOf(dataset)}).`,
    facts(dataset)
      .map(([name, text]) => `- **${name}**: ${text}`)
      .join('\n'),
    table(['column', 'type', 'Parquet', 'Athena', 'Redshift', 'rules', 'meaning'], columns),
  ].join('\n\n');
}

type Fact = readonly [name: string, text: string];

function facts(dataset: Dataset): Fact[] {
  const { origin, key, partitionBy, files, expectations } = dataset;
  const { view, ...others } = lakeTables(dataset);
  const behind = origin === 'records' ? [others.files, others.curated] : [others.files, others.publications];
  return [
    ['Rows come from', SOURCES[origin](dataset)],
    ['Key', `${code(...key)}; loading a row again replaces it`],
    ['Event time', `${code(partitionBy)}; its UTC date is the partition`],
    ['Newer is', newer(dataset)],
    ...(files ? fileFacts(files) : []),
    ...expectationFacts(expectations ?? {}),
    ['Kept', keptFor(dataset)],
    ['In Athena', `${code(view)}; behind it ${code(...behind, others.compactions)}`],
    [
      'Personal data',
      code(...dataset.columns.filter(({ personal }) => personal).map(({ name }) => name)) || 'none',
    ],
  ];
}

function newer({ origin, versionBy }: Dataset): string {
  if (versionBy) return `the row with the later ${code(versionBy)}`;
  return origin === 'records' ? 'the record that was written later' : 'the row that landed later';
}

function fileFacts({ formats, tolerance, onNewColumn, onMissingColumn, expected }: Files): Fact[] {
  const late: Fact[] = expected
    ? [['Expected', `by ${expected.by} ${expected.timeZone}, ${expected.days}; a late file opens a ticket`]]
    : [];
  return [
    ['Formats', formats.join(', ')],
    [
      'Tolerance',
      `a file of which more than ${percent(tolerance)} of rows are refused is refused as a whole`,
    ],
    ['An unknown column', ON_CHANGE[onNewColumn]],
    ['A missing column', `${ON_CHANGE[onMissingColumn]}; one that is required always refuses the file`],
    ...late,
  ];
}

const ON_CHANGE: Readonly<Record<Files['onNewColumn'], string>> = {
  ignore: 'is told, and the file goes on',
  quarantine: 'sends every row of the file to quarantine',
  halt: 'refuses the file',
};

function expectationFacts({ freshHours, rowsPerDay, checks = [], references = [] }: Expectations): Fact[] {
  return [
    ...(freshHours === undefined
      ? []
      : [['Fresh', `an alarm after ${freshHours} hours without a success`] as const]),
    ...(rowsPerDay === undefined ? [] : [['Rows of a day', rangeText(rowsPerDay)] as const]),
    ...checks.map(
      ({ name, description, left, is, right }): Fact => [
        `Check ${name}`,
        `${code(`${left} ${is} ${right}`)}. ${description}`,
      ],
    ),
    ...references.map(
      ({ column, dataset, key }): Fact => [
        'Reference',
        `${code(column)} is a key of ${code(`${dataset}.${key}`)}; told where it is not`,
      ],
    ),
  ];
}

function columnRow(column: Column): string[] {
  const { type, converted_type: converted } = elementOf(column);
  return [
    code(column.name),
    column.type,
    [type, converted].filter(Boolean).join(' '),
    glueType(column),
    redshiftType(column),
    rules(column).join('; '),
    `${column.personal ? '**Personal data.** ' : ''}${column.description}`,
  ];
}

function rules({ required, allowed, range, format, pattern, aliases }: Column): string[] {
  return [
    ...(required ? ['required'] : []),
    ...(allowed ? [`one of ${code(...allowed)}`] : []),
    ...(range ? [rangeText(range)] : []),
    ...(format ? [FORMATS[format].description] : []),
    ...(pattern === undefined ? [] : [`matches ${code(pattern)}`]),
    ...(aliases ? [`also named ${code(...aliases)}`] : []),
  ];
}

function rangeText({ min, max }: { readonly min?: number; readonly max?: number }): string {
  if (max === undefined) return `at least ${min}`;
  return min === undefined ? `at most ${max}` : `${min} to ${max}`;
}

function keptFor({ retentionDays }: Dataset): string {
  return retentionDays === undefined ? 'for ever' : `${retentionDays} days after the event time`;
}

const percent = (share: number) => `${Number((share * 100).toFixed(4))} %`;

const code = (...texts: readonly string[]) => texts.map((text) => `\`${text}\``).join(', ');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
