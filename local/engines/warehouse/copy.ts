import { SqlError } from './errors.ts';
import { identifierName, splitAt, type TableName, type TokenReader } from './tokens.ts';

export type CopyFormat = 'PARQUET' | 'CSV' | 'JSON';

/** A COPY statement, understood. */
export interface Copy {
  readonly table: TableName;
  /** Columns in the order of the file; undefined for all of the table. */
  readonly columns: readonly string[] | undefined;
  readonly bucket: string;
  /** Key of the manifest, or prefix of the objects. */
  readonly key: string;
  readonly manifest: boolean;
  /** `default` is the namespace's default role. */
  readonly role: string;
  readonly format: CopyFormat;
  readonly delimiter: string;
  readonly headerLines: number;
  /** Whether nested Parquet columns are written as JSON. */
  readonly serializeToJson: boolean;
}

type Options = Partial<
  Pick<Copy, 'manifest' | 'role' | 'format' | 'delimiter' | 'headerLines' | 'serializeToJson'>
>;

const parquet = (): Options => ({ format: 'PARQUET' });
const csv = (): Options => ({ format: 'CSV' });
const json = (reader: TokenReader): Options => {
  const mode = reader.peek()?.kind === 'string' ? reader.string() : 'auto';
  if (mode !== 'auto' && mode !== 'auto ignorecase')
    throw new SqlError(`JSON '${mode}' is not supported locally`);
  return { format: 'JSON' };
};
const FORMATS: Readonly<Record<string, (reader: TokenReader) => Options>> = {
  PARQUET: parquet,
  CSV: csv,
  JSON: json,
};

const withWord = (reader: TokenReader): Options => {
  reader.next();
  return {};
};
const withText = (reader: TokenReader): Options => {
  reader.accept('AS');
  reader.string();
  return {};
};

/** Options by their first keyword; those that change nothing here are read over. */
const OPTIONS: Readonly<Record<string, (reader: TokenReader) => Options>> = {
  ...FORMATS,
  FORMAT: (reader) => {
    reader.accept('AS');
    const format = FORMATS[reader.next().text.toUpperCase()];
    return format ? format(reader) : reader.fail();
  },
  IAM_ROLE: (reader) => ({ role: reader.accept('DEFAULT') ? 'default' : reader.string() }),
  MANIFEST: () => ({ manifest: true }),
  SERIALIZETOJSON: () => ({ serializeToJson: true }),
  DELIMITER: (reader) => {
    reader.accept('AS');
    return { delimiter: reader.string() };
  },
  IGNOREHEADER: (reader) => {
    reader.accept('AS');
    return { headerLines: reader.number() };
  },
  REGION: withText,
  TIMEFORMAT: withText,
  DATEFORMAT: withText,
  COMPUPDATE: withWord,
  STATUPDATE: withWord,
};

/** COPY from columnar files takes few options. Source: Redshift guide, "COPY from columnar data formats". */
const NOT_WITH_PARQUET = ['DELIMITER', 'IGNOREHEADER', 'TIMEFORMAT', 'DATEFORMAT', 'COMPUPDATE', 'REGION'];

/** Reads what follows `COPY`. */
export function parseCopy(reader: TokenReader): Copy {
  const table = reader.table();
  const columns =
    reader.peek()?.text === '('
      ? splitAt(reader.parenthesised(), ',').flatMap(([token]) => (token ? identifierName(token) : []))
      : undefined;
  reader.expect('FROM');
  const uri = reader.string();
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.*)$/.exec(uri) ?? [];
  if (!bucket || key === undefined)
    throw new SqlError(`COPY reads from s3:// addresses only, not from ${uri}`);

  let options: Options = {};
  const given: string[] = [];
  while (!reader.done) {
    const word = reader.peek()?.text.toUpperCase() ?? '';
    const option = OPTIONS[word] ?? reader.fail();
    reader.next();
    given.push(word);
    options = { ...options, ...option(reader) };
  }
  if (!options.role) throw new SqlError('COPY needs IAM_ROLE');
  if (!options.format)
    throw new SqlError('COPY without FORMAT PARQUET, CSV or JSON is not supported locally');
  const refused = given.find((word) => NOT_WITH_PARQUET.includes(word));
  if (options.format === 'PARQUET' && refused) {
    throw new SqlError(`${refused} argument is not supported for PARQUET based COPY`);
  }
  return {
    table,
    columns,
    bucket,
    key,
    manifest: options.manifest ?? false,
    role: options.role,
    format: options.format,
    delimiter: options.delimiter ?? ',',
    headerLines: options.headerLines ?? 0,
    serializeToJson: options.serializeToJson ?? false,
  };
}
