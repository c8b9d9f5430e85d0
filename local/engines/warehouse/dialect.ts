import { isSymbol, isWord, render, splitAt, sqlTokens, type Token, TokenReader } from './tokens.ts';

/**
 * Functions of Redshift that DuckDB lacks, as macros. Made anew whenever a database is opened.
 */
export const MACROS: readonly string[] = [
  'getdate() AS now()::TIMESTAMP',
  'nvl(a, b) AS coalesce(a, b)',
  'nvl2(a, b, c) AS CASE WHEN a IS NULL THEN c ELSE b END',
  'isnull(a, b) AS coalesce(a, b)',
  "dateadd(part, n, day) AS day + (n::VARCHAR || ' ' || part)::INTERVAL",
  'charindex(part, whole) AS strpos(whole, part)',
  'json_parse(text) AS text::JSON',
  'json_serialize(value) AS value::VARCHAR',
  'regexp_substr(text, pattern) AS regexp_extract(text, pattern)',
  "convert_timezone(zone, instant) AS timezone(zone, timezone('UTC', instant))",
  // Of the bases only 16: what else begins with a letter DuckDB does not read.
  "strtol(text, base) AS CASE WHEN base = 16 THEN ('0x' || text)::BIGINT ELSE error('STRTOL knows base 16 only in the local warehouse') END",
  "pg_last_copy_count() AS coalesce(getvariable('last_copy_count'), 0)",
];

/** Types that DuckDB knows by another name, by Redshift's name in upper case. */
const TYPES: Readonly<Record<string, string>> = {
  SUPER: 'JSON',
  VARBYTE: 'BLOB',
  VARBINARY: 'BLOB',
  NVARCHAR: 'VARCHAR',
  BPCHAR: 'VARCHAR',
  // DuckDB's FLOAT has four bytes.
  FLOAT: 'DOUBLE',
};

/** Functions whose first argument is a part of a date, which Redshift takes as a bare word. */
const DATE_PART_FUNCTIONS = ['DATEADD', 'DATEDIFF', 'DATE_PART', 'DATE_TRUNC'];

/** Rewrites what Redshift writes differently inside queries; everything else stays as it is. */
export function translateExpressions(tokens: readonly Token[]): Token[] {
  const reader = new TokenReader(tokens);
  const out: Token[] = [];
  while (!reader.done) {
    const token = reader.next();
    const call = token.kind === 'word' && isSymbol(reader.peek(), '(');
    const previous = out.at(-1);
    if (call && isWord(token, 'LISTAGG')) out.push(...listAggregate(reader));
    else if (call && isWord(token, ...DATE_PART_FUNCTIONS)) out.push(token, ...datePart(reader));
    else if (!call && isWord(token, 'SYSDATE')) out.push(...sqlTokens('getdate()'));
    else if (isWord(token, 'APPROXIMATE') && isWord(reader.peek(), 'COUNT')) continue;
    else if ((isWord(previous, 'AS') || isSymbol(previous, '::')) && token.kind === 'word') {
      out.push({ kind: 'word', text: TYPES[token.text.toUpperCase()] ?? token.text });
    } else out.push(token);
  }
  return out;
}

/** `LISTAGG([DISTINCT] x, ',') WITHIN GROUP (ORDER BY y)` is `string_agg([DISTINCT] x, ',' ORDER BY y)`. */
function listAggregate(reader: TokenReader): Token[] {
  const inside = translateExpressions(reader.parenthesised());
  const separated = splitAt(inside, ',').length > 1 ? inside : [...inside, ...sqlTokens(`, ''`)];
  const order = reader.accept('WITHIN', 'GROUP') ? translateExpressions(reader.parenthesised()) : [];
  return [...sqlTokens('string_agg('), ...separated, ...order, ...sqlTokens(')')];
}

function datePart(reader: TokenReader): Token[] {
  const [part = [], ...others] = splitAt(reader.parenthesised(), ',');
  const [only] = part;
  const first: Token[] =
    part.length === 1 && only?.kind === 'word' ? [{ kind: 'string', text: `'${only.text}'` }] : [...part];
  return [
    ...sqlTokens('('),
    ...[first, ...others].flatMap((argument, index) => [
      ...(index > 0 ? sqlTokens(',') : []),
      ...translateExpressions(argument),
    ]),
    ...sqlTokens(')'),
  ];
}

export function renderQuery(tokens: readonly Token[]): string {
  return render(translateExpressions(tokens));
}
