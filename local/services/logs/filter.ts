import { readPath } from '../events/input.ts';
import { AwsError } from '../service.ts';

const COMPARISONS: Readonly<Record<string, (a: unknown, b: string | number) => boolean>> = {
  '=': (a, b) => (typeof b === 'string' && b.includes('*') ? like(b).test(String(a)) : a === b),
  '!=': (a, b) => a !== undefined && a !== b,
  '>': (a, b) => Number(a) > Number(b),
  '>=': (a, b) => Number(a) >= Number(b),
  '<': (a, b) => Number(a) < Number(b),
  '<=': (a, b) => Number(a) <= Number(b),
};

const like = (text: string) =>
  new RegExp(
    `^${text
      .split('*')
      .map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'))
      .join('.*')}$`,
  );

function jsonFilter(pattern: string): (message: string) => boolean {
  const conditions = pattern.split('&&').map((part) => {
    const [, path = '', operator = '', text, number] =
      /^\s*(\$[^\s=!<>]+)\s*(=|!=|>=|<=|>|<)\s*(?:"([^"]*)"|(\S+))\s*$/.exec(part) ?? [];
    const compare = COMPARISONS[operator];
    if (!compare)
      throw new AwsError('InvalidParameterException', `Filter pattern {${pattern}} has no local stand-in.`);
    const wanted = text ?? (Number.isNaN(Number(number)) ? String(number) : Number(number));
    return (json: unknown) => compare(readPath(path, json), wanted);
  });
  return (message) => {
    try {
      const json: unknown = JSON.parse(message);
      return conditions.every((holds) => holds(json));
    } catch (error) {
      if (error instanceof SyntaxError) return false;
      throw error;
    }
  };
}

/**
 * Compiles a filter pattern: terms, "phrases", -excluded and ?alternative terms, and `{ $.path = "value" && … }`.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 */
export function compileFilter(pattern: string): (message: string) => boolean {
  const [, json] = /^\s*\{(.*)\}\s*$/s.exec(pattern) ?? [];
  if (json !== undefined) return jsonFilter(json);
  const terms = [...pattern.matchAll(/([-?]?)(?:"([^"]*)"|(\S+))/g)].map(([, sign = '', phrase, word]) => ({
    sign,
    text: phrase ?? word ?? '',
  }));
  const optional = terms.filter(({ sign }) => sign === '?');
  const fixed = terms.filter(({ sign }) => sign !== '?');
  return (message) =>
    fixed.every(({ sign, text }) => message.includes(text) === (sign === '')) &&
    (optional.length === 0 || optional.some(({ text }) => message.includes(text)));
}
