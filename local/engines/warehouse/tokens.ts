import { SqlError } from './errors.ts';

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'parameter' | 'symbol';

/** One token of SQL. White space and comments are not tokens; `text` is as written. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

/** In this order; each is tried at the current position. `::` must come before a parameter `:name`. */
const PATTERNS: readonly (readonly [TokenKind | 'skip', RegExp])[] = [
  ['skip', /\s+|--[^\n]*|\/\*[\s\S]*?\*\//y],
  ['string', /[eE]?'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\1\$/y],
  ['quoted', /"(?:[^"]|"")*"/y],
  ['number', /\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?/y],
  ['word', /[\p{L}_#][\p{L}\p{N}_$#]*/uy],
  ['symbol', /::|<=|>=|<>|!=|\|\||:=/y],
  ['parameter', /:\w+/y],
  ['symbol', /[^\s'"]/y],
];

/** Splits SQL into tokens. @throws SqlError at an unterminated string, identifier or comment */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    const found = match(sql, at);
    if (!found) throw new SqlError(`unterminated quoted text at or near "${sql.slice(at, at + 20)}"`);
    if (found.kind !== 'skip') tokens.push({ kind: found.kind, text: found.text });
    at += found.text.length;
  }
  return tokens;
}

function match(sql: string, at: number): { kind: TokenKind | 'skip'; text: string } | undefined {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const text = pattern.exec(sql)?.[0];
    if (text !== undefined) return { kind, text };
  }
  return undefined;
}

/** Cuts tokens into statements at semicolons; empty statements are dropped. */
export function splitStatements(tokens: readonly Token[]): Token[][] {
  return splitAt(tokens, ';').filter((statement) => statement.length > 0);
}

/** Cuts at each occurrence of a symbol outside parentheses. */
export function splitAt(tokens: readonly Token[], symbol: string): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (isSymbol(token, '(')) depth++;
    if (isSymbol(token, ')')) depth--;
    if (depth === 0 && isSymbol(token, symbol)) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

export function isSymbol(token: Token | undefined, text: string): boolean {
  return token?.kind === 'symbol' && token.text === text;
}

/** Whether the token is one of these keywords, whatever its case. */
export function isWord(token: Token | undefined, ...words: string[]): boolean {
  return token?.kind === 'word' && words.includes(token.text.toUpperCase());
}

/** Writes tokens as SQL again. */
export function render(tokens: readonly Token[]): string {
  let sql = '';
  for (const [index, { kind, text }] of tokens.entries()) {
    const tight = index === 0 || isSymbol(tokens[index - 1], '.') || (kind === 'symbol' && text === '.');
    sql += tight ? text : ` ${text}`;
  }
  return sql;
}

/** The tokens of a piece of SQL written here. */
export const sqlTokens = tokenize;

/** A string literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The text of a string literal token. */
export function unquote(token: Token): string {
  return token.text.slice(1, -1).replaceAll("''", "'");
}

/** The name an identifier token stands for; Redshift folds quoted names to lower case as well. */
export function identifierName({ kind, text }: Token): string {
  return (kind === 'quoted' ? text.slice(1, -1).replaceAll('""', '"') : text).toLowerCase();
}

/** Reads tokens from left to right. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  next(): Token {
    const token = this.#tokens[this.#at++];
    if (!token) throw new SqlError('syntax error at end of input');
    return token;
  }

  /** Takes the keywords when they come next, all or none. */
  accept(...words: string[]): boolean {
    if (!words.every((word, index) => isWord(this.peek(index), word))) return false;
    this.#at += words.length;
    return true;
  }

  acceptSymbol(symbol: string): boolean {
    if (!isSymbol(this.peek(), symbol)) return false;
    this.#at++;
    return true;
  }

  expect(...words: string[]): void {
    if (!this.accept(...words)) this.fail();
  }

  string(): string {
    const token = this.next();
    if (token.kind !== 'string') throw new SqlError(`syntax error at or near "${token.text}"`);
    return unquote(token);
  }

  number(): number {
    const token = this.next();
    if (token.kind !== 'number') throw new SqlError(`syntax error at or near "${token.text}"`);
    return Number(token.text);
  }

  /** The tokens between the parenthesis that comes next and the one that closes it. */
  parenthesised(): Token[] {
    if (!this.acceptSymbol('(')) this.fail();
    const inside: Token[] = [];
    for (let depth = 1; ; ) {
      const token = this.next();
      if (isSymbol(token, '(')) depth++;
      if (isSymbol(token, ')') && --depth === 0) return inside;
      inside.push(token);
    }
  }

  /** A table's name, with its schema or without. */
  table(): TableName {
    const parts = [this.#identifier()];
    while (this.acceptSymbol('.')) parts.push(this.#identifier());
    const table = parts.pop() ?? '';
    return { schema: parts.pop(), table };
  }

  rest(): Token[] {
    const rest = this.#tokens.slice(this.#at);
    this.#at = this.#tokens.length;
    return rest;
  }

  fail(): never {
    const token = this.peek();
    throw new SqlError(token ? `syntax error at or near "${token.text}"` : 'syntax error at end of input');
  }

  #identifier(): string {
    const token = this.next();
    if (token.kind !== 'word' && token.kind !== 'quoted') {
      throw new SqlError(`syntax error at or near "${token.text}"`);
    }
    return identifierName(token);
  }
}

export interface TableName {
  /** Undefined for temporary tables and those of the schema `public`. */
  readonly schema: string | undefined;
  readonly table: string;
}

/** The name as SQL. */
export function quoteTable({ schema, table }: TableName): string {
  return [schema, table]
    .filter((part) => part !== undefined)
    .map(quoteName)
    .join('.');
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
