import {
  type Column,
  type Dataset,
  DEFAULT_DECIMAL,
  DEFAULT_MAX_BYTES,
  ORIGIN_COLUMNS,
  PUBLISHED_AT,
  plainName,
} from '../../datasets/dataset.ts';
import { LOAD_ID_COLUMN, WAREHOUSE_TABLES } from '../../lambdas/warehouse-load/contract.ts';
import { PARTITION_KEYS } from '../constructs/lake-view.ts';

const SNAKE_CASE = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
const KEBAB_CASE = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const TIME_OF_DAY = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** The name begins names of tables, functions and alarms, and some of these are short. */
const MAX_NAME = 32;
/** Glue's: a comment has 255 characters, of which `Personal data. ` may be the first. */
const MAX_COMMENT = 240;
/** Redshift's VARCHAR. */
const MAX_TEXT_BYTES = 65_535;
/** A 64-bit integer holds any 18 digits. */
const MAX_PRECISION = 18;

/** Pipelines, views of the warehouse, and words of SQL that cannot be a table's name. */
const WORDS = `
  audit_export backfill canary crm_tickets document_ingestion expected_files features help_desk intake maintenance
  millrace ocr reconciliation recorder sentiment tabular warehouse_load customer_health
  all analyse analyze and any array as asc between both case cast check column constraint create cross default delete
  desc distinct do drop else end except exists false for foreign from full grant group having in inner insert intersect
  into is join left like limit not null offset on or order outer primary references right select some table tag then to
  true union unique update user using values view when where with`;

/** Names that mean something else already. */
const TAKEN: ReadonlySet<string> = new Set([
  ...WORDS.trim().split(/\s+/),
  ...Object.values(WAREHOUSE_TABLES),
]);

/** What tables over a dataset's files end with. */
const SUFFIX = /_(files|curated|publications|compactions|public|daily)$/;

/** Columns of files behind those of the declaration. */
function fileColumns(origin: Dataset['origin']): readonly Column[] {
  return origin === 'records' ? [PUBLISHED_AT] : ORIGIN_COLUMNS;
}

/** Columns that every file and table has besides those of the declaration. */
const OWN_COLUMNS: ReadonlySet<string> = new Set([
  ...PARTITION_KEYS,
  LOAD_ID_COLUMN,
  'version_rank',
  'object_key',
]);

type Problems = Generator<string>;

/** Everything that is wrong with the declarations, each with the file that it is in; none where they are right. */
export function declarationProblems(datasets: readonly Dataset[]): string[] {
  const names = datasets.map(({ name }) => name);
  return datasets.flatMap((dataset, i) => {
    const found = [...datasetProblems(dataset, datasets)];
    if (names.indexOf(dataset.name) !== i) found.unshift('the name is another dataset’s, too');
    return found.map((problem) => `${fileOf(dataset)}: ${problem}`);
  });
}

/** File that declares a dataset, by the project's rule for names. */
export function fileOf({ name }: Pick<Dataset, 'name'>): string {
  return `datasets/${name.replaceAll('_', '-')}.ts`;
}

function* datasetProblems(dataset: Dataset, datasets: readonly Dataset[]): Problems {
  yield* nameProblems(dataset);
  const seen = new Set<string>();
  if (dataset.columns.length === 0) yield 'it has no columns';
  for (const column of dataset.columns) {
    for (const problem of columnProblems(column, dataset)) yield `column ${column.name} ${problem}`;
    for (const name of [column.name, ...(column.aliases ?? []).map(plainName)]) {
      if (seen.has(name)) yield `column ${column.name}: the name ${name} is another column’s, too`;
      seen.add(name);
    }
  }
  yield* keyProblems(dataset);
  yield* filesProblems(dataset);
  yield* expectationProblems(dataset, datasets);
  if (dataset.retentionDays !== undefined && !isCount(dataset.retentionDays, 1)) {
    yield `retentionDays is ${dataset.retentionDays}; allowed are whole days from 1`;
  }
}

function* nameProblems({ name, description }: Dataset): Problems {
  if (!SNAKE_CASE.test(name) || name.length > MAX_NAME) {
    yield `the name is ${name}; allowed is lower-case snake case of at most ${MAX_NAME} characters, such as web_orders`;
  }
  if (TAKEN.has(name)) yield `the name ${name} means something else already; choose another`;
  const suffix = SUFFIX.exec(name)?.[0];
  if (suffix) yield `the name ends with ${suffix}, as tables over a dataset’s files do; choose another`;
  if (!isDescription(description))
    yield `its description has no text, or more than ${MAX_COMMENT} characters`;
}

function isDescription(text: string): boolean {
  return text.trim() !== '' && text.length <= MAX_COMMENT;
}

const NUMBERS: ReadonlySet<string> = new Set(['integer', 'bigint', 'double', 'decimal']);

/** Options of a column that only some types have. */
const ONLY_OF: readonly (readonly [keyof Column, (type: string) => boolean, string])[] = [
  ['maxBytes', (type) => type === 'string', 'strings'],
  ['allowed', (type) => type === 'string', 'strings'],
  ['format', (type) => type === 'string', 'strings'],
  ['pattern', (type) => type === 'string', 'strings'],
  ['range', (type) => NUMBERS.has(type), 'numbers'],
  ['decimal', (type) => type === 'decimal', 'decimals'],
];

function* columnProblems(column: Column, { origin }: Dataset): Problems {
  const { name, type, description, maxBytes = DEFAULT_MAX_BYTES, decimal = DEFAULT_DECIMAL } = column;
  if (!SNAKE_CASE.test(name) || name.length > 63) yield 'is not named in lower-case snake case';
  if (OWN_COLUMNS.has(name) || fileColumns(origin).some((known) => known.name === name)) {
    yield 'has the name of a column that every dataset gets by itself; choose another';
  }
  if (!isDescription(description))
    yield `has a description without text, or of more than ${MAX_COMMENT} characters`;
  for (const [option, fits, types] of ONLY_OF) {
    if (column[option] !== undefined && !fits(type)) yield `has ${option}, which is for ${types} only`;
  }
  if (!isCount(maxBytes, 1) || maxBytes > MAX_TEXT_BYTES) {
    yield `has maxBytes ${maxBytes}; allowed is 1 to ${MAX_TEXT_BYTES}, the longest text of Redshift`;
  }
  if (!isCount(decimal.precision, 1) || decimal.precision > MAX_PRECISION) {
    yield `has ${decimal.precision} digits; allowed is 1 to ${MAX_PRECISION}`;
  }
  if (!isCount(decimal.scale, 0) || decimal.scale > decimal.precision) {
    yield `has ${decimal.scale} digits behind the point; allowed is 0 to ${decimal.precision}`;
  }
  yield* ruleProblems(column);
}

function* ruleProblems({ allowed, range, pattern, maxBytes = DEFAULT_MAX_BYTES }: Column): Problems {
  if (allowed?.length === 0) yield 'allows no value at all';
  const long = allowed?.find((value) => Buffer.byteLength(value) > maxBytes || value === '');
  if (long !== undefined) yield `allows "${long}", which is empty or longer than ${maxBytes} bytes`;
  if (range && (range.min ?? Number.NEGATIVE_INFINITY) > (range.max ?? Number.POSITIVE_INFINITY)) {
    yield `has the range ${range.min} to ${range.max}, in which nothing is`;
  }
  if (pattern !== undefined && !isPattern(pattern))
    yield `has the pattern ${pattern}, which is no regular expression`;
}

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

const TIMES: ReadonlySet<string> = new Set(['date', 'timestamp']);
const GROWING: ReadonlySet<string> = new Set(['date', 'timestamp', 'integer', 'bigint']);

function* keyProblems({ columns, key, partitionBy, versionBy }: Dataset): Problems {
  const find = (name: string) => columns.find((column) => column.name === name);
  if (key.length === 0) yield 'the key has no columns';
  if (new Set(key).size !== key.length) yield 'the key names a column twice';
  for (const name of key) {
    const column = find(name);
    if (!column?.required) yield `key: ${name} ${column ? 'is not required' : NO_COLUMN}`;
    if (column?.type === 'double') yield `key: ${name} is a double, of which no two are surely the same`;
  }
  const eventTime = find(partitionBy);
  if (!eventTime?.required || !TIMES.has(eventTime.type)) {
    yield `partitionBy: ${partitionBy} ${eventTime ? 'is not a required date or timestamp' : NO_COLUMN}`;
  }
  const version = versionBy === undefined ? eventTime : find(versionBy);
  if (versionBy !== undefined && (!version?.required || !GROWING.has(version.type))) {
    yield `versionBy: ${versionBy} ${version ? 'is not a required date, timestamp or whole number' : NO_COLUMN}`;
  }
}

const NO_COLUMN = 'is no column';

function* filesProblems({ origin, files }: Dataset): Problems {
  if (origin === 'landing' && !files) yield 'files is missing; rows of origin landing come as files';
  if (origin !== 'landing' && files) yield `files is given; rows of origin ${origin} come by themselves`;
  if (!files) return;
  const { formats, tolerance, expected } = files;
  if (formats.length === 0 || new Set(formats).size !== formats.length)
    yield 'files.formats is empty, or names one twice';
  if (!(tolerance >= 0 && tolerance <= 1)) yield `files.tolerance is ${tolerance}; allowed is 0 to 1`;
  if (!expected) return;
  if (!TIME_OF_DAY.test(expected.by))
    yield `files.expected.by is ${expected.by}; allowed is HH:MM, such as 06:00`;
  if (!isTimeZone(expected.timeZone)) {
    yield `files.expected.timeZone is ${expected.timeZone}; allowed is an IANA name, such as Europe/Berlin`;
  }
}

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function* expectationProblems({ columns, expectations }: Dataset, datasets: readonly Dataset[]): Problems {
  if (!expectations) return;
  const { freshHours, rowsPerDay, checks = [], references = [] } = expectations;
  if (freshHours !== undefined && !(freshHours > 0))
    yield `expectations.freshHours is ${freshHours}; allowed is more than 0`;
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = rowsPerDay ?? {};
  if (!isCount(min, 0) || !isCount(max, 1) || min > max) {
    yield `expectations.rowsPerDay is ${min} to ${max}; allowed are whole numbers, the smaller first`;
  }
  const find = (name: string) => columns.find((column) => column.name === name);
  for (const [i, { name, left, right }] of checks.entries()) {
    if (!KEBAB_CASE.test(name)) yield `check ${name}: its name is not lower-case kebab case`;
    if (checks.findIndex((check) => check.name === name) !== i)
      yield `check ${name}: its name is another check’s, too`;
    const [a, b] = [find(left), find(right)];
    if (!a || !b) yield `check ${name}: ${a ? right : left} ${NO_COLUMN}`;
    else if (kindOf(a) !== kindOf(b)) {
      yield `check ${name}: ${left} is ${kindOf(a)} and ${right} is ${kindOf(b)}, which do not compare`;
    }
  }
  for (const { column: name, dataset, key } of references) {
    const [from, other] = [find(name), datasets.find((candidate) => candidate.name === dataset)];
    const to = other?.columns.find((column) => column.name === key);
    if (!from) yield `reference ${name}: ${name} ${NO_COLUMN}`;
    else if (!other) yield `reference ${name}: ${dataset} is no dataset`;
    else if (!to || other.key.length !== 1 || other.key[0] !== key)
      yield `reference ${name}: ${key} is not the key of ${dataset}`;
    else if (kindOf(from) !== kindOf(to)) {
      yield `reference ${name}: it is ${kindOf(from)}, and ${dataset}.${key} is ${kindOf(to)}`;
    }
  }
}

/** Type of a column, with a decimal's digits behind the point, because unscaled values compare only with like ones. */
function kindOf({ type, decimal = DEFAULT_DECIMAL }: Column): string {
  return type === 'decimal' ? `decimal of scale ${decimal.scale}` : type;
}

function isCount(value: number, from: number): boolean {
  return Number.isSafeInteger(value) && value >= from;
}
