/** Says whether a string fits a compiled pattern. */
export type Matcher = (value: string) => boolean;

/** Values of condition keys of a request; names in any case. `undefined` when the request has no such key. */
export type KeyValues = (key: string) => readonly string[] | undefined;

/** A pattern that still depends on the request. */
export type Pattern = (keys: KeyValues) => Matcher;

const never: Matcher = () => false;

/** `${aws:PrincipalTag/team}`, `${aws:username, 'nobody'}`, and the escapes `${*}`, `${?}` and `${$}`. */
const VARIABLE = /\$\{\s*([^},]+?)\s*(?:,\s*'([^']*)'\s*)?\}/;
const ESCAPES = new Set(['*', '?', '$']);

/**
 * Compiles a pattern with `*` (any characters) and `?` (one character).
 * @param variables whether `${…}` stands for values of the request, which policies of version 2012-10-17 support
 * @param ignoreCase for actions
 */
export function compilePattern(text: string, { variables = false, ignoreCase = false } = {}): Pattern {
  if (!variables || !VARIABLE.test(text)) {
    const matcher = compileGlob(text, ignoreCase);
    return () => matcher;
  }
  const substitute = compileVariables(text, globSource);
  return (keys) => {
    const source = substitute(keys, literally);
    return source === undefined ? never : matchSource(source, ignoreCase);
  };
}

/** A text whose policy variables are replaced, for operators that know no wildcards; `undefined` when a variable has no value. */
export function compileText(text: string, variables: boolean): (keys: KeyValues) => string | undefined {
  if (!variables || !VARIABLE.test(text)) return () => text;
  const substitute = compileVariables(text, (literal) => literal);
  return (keys) => substitute(keys, (value) => value);
}

/** Matches without policy variables. The commonest forms of patterns need no regular expression. */
export function compileGlob(text: string, ignoreCase = false): Matcher {
  if (text === '*') return () => true;
  const head = text.slice(0, -1);
  if (!ignoreCase && !/[*?]/.test(head)) {
    if (text.endsWith('*')) return (value) => value.startsWith(head);
    if (!text.endsWith('?')) return (value) => value === text;
  }
  return matchSource(globSource(text), ignoreCase);
}

function matchSource(source: string, ignoreCase: boolean): Matcher {
  const expression = new RegExp(`^${source}$`, ignoreCase ? 'is' : 's');
  return (value) => expression.test(value);
}

function globSource(text: string): string {
  return literally(text).replaceAll('\\*', '.*').replaceAll('\\?', '.');
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** Splits a text at its variables; literals are turned by `literal` once, values by `value` for each request. */
function compileVariables(text: string, literal: (text: string) => string) {
  // A split by two groups yields literal, name, default, literal, name, default, …, literal.
  const parts = text.split(new RegExp(VARIABLE, 'g'));
  return (keys: KeyValues, value: (text: string) => string): string | undefined => {
    let result = literal(parts[0] ?? '');
    for (let index = 1; index < parts.length; index += 3) {
      const name = parts[index] ?? '';
      const values = keys(name);
      // A variable stands for one value; a key with several has none.
      const found = ESCAPES.has(name) ? name : values?.length === 1 ? values[0] : parts[index + 1];
      if (found === undefined) return undefined;
      result += value(found) + literal(parts[index + 2] ?? '');
    }
    return result;
  };
}
