import { BlockList, isIPv6 } from 'node:net';
import { compileGlob, compilePattern, compileText, type KeyValues } from './pattern.ts';

/** Says whether the conditions of a statement hold for a request. */
export type Condition = (keys: KeyValues) => boolean;

/** Compares a value of the request with one value of the policy. */
type Test = (actual: string) => boolean;

/** Compiles one value of a policy; what it returns is told the request's keys, for policy variables. */
type Comparison = (expected: string, variables: boolean) => (keys: KeyValues) => Test;

/** A policy that cannot be understood; evaluating it all the same could allow what AWS denies. */
export class MalformedPolicy extends Error {
  override readonly name = 'MalformedPolicy';
}

/** A comparison of texts whose expected value may hold variables but no wildcards. */
function textual(compare: (actual: string, expected: string) => boolean): Comparison {
  return (text, variables) => {
    const substitute = compileText(text, variables);
    return (keys) => {
      const expected = substitute(keys);
      return expected === undefined ? () => false : (actual) => compare(actual, expected);
    };
  };
}

/** A comparison of what both sides mean, such as numbers. */
function parsed(
  parse: (text: string) => number,
  compare: (actual: number, expected: number) => boolean,
): Comparison {
  return (text) => {
    const expected = parse(text);
    if (Number.isNaN(expected)) throw new MalformedPolicy(`"${text}" cannot be compared`);
    const test: Test = (actual) => compare(parse(actual), expected);
    return () => test;
  };
}

const string = textual((actual, expected) => actual === expected);
const ignoringCase = textual((actual, expected) => actual.toLowerCase() === expected.toLowerCase());
const like: Comparison = (expected, variables) => compilePattern(expected, { variables });

/** Each of the six parts of an ARN is matched by itself, so that a wildcard does not reach over a colon. */
const arn: Comparison = (text, variables) => {
  const substitute = compileText(text, variables);
  return (keys) => {
    const expected = arnParts(substitute(keys) ?? '')?.map((part) => compileGlob(part));
    return (actual) => {
      const parts = arnParts(actual);
      return (
        parts !== undefined && (expected?.every((matches, index) => matches(parts[index] ?? '')) ?? false)
      );
    };
  };
};

function arnParts(text: string): string[] | undefined {
  const parts = text.split(':');
  return parts.length < 6 ? undefined : [...parts.slice(0, 5), parts.slice(5).join(':')];
}

const ipAddress: Comparison = (text) => {
  const [address = '', prefix] = text.split('/');
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  const range = new BlockList();
  range.addSubnet(address, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family);
  const test: Test = (actual) => range.check(actual, isIPv6(actual) ? 'ipv6' : 'ipv4');
  return () => test;
};

const instant = (text: string): number => (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text));

/** The four orders of an operator family, such as `NumericLessThanEquals`. */
function ordered(family: string, parse: (text: string) => number): [string, Comparison][] {
  return [
    [`${family}Equals`, parsed(parse, (actual, expected) => actual === expected)],
    [`${family}LessThan`, parsed(parse, (actual, expected) => actual < expected)],
    [`${family}LessThanEquals`, parsed(parse, (actual, expected) => actual <= expected)],
    [`${family}GreaterThan`, parsed(parse, (actual, expected) => actual > expected)],
    [`${family}GreaterThanEquals`, parsed(parse, (actual, expected) => actual >= expected)],
  ];
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
const COMPARISONS: ReadonlyMap<string, Comparison> = new Map([
  ['StringEquals', string],
  ['StringEqualsIgnoreCase', ignoringCase],
  ['StringLike', like],
  ['ArnEquals', arn],
  ['ArnLike', arn],
  ['BinaryEquals', string],
  ['Bool', ignoringCase],
  ['IpAddress', ipAddress],
  ...ordered('Numeric', Number),
  ...ordered('Date', instant),
]);

/** Operators that hold when no value of the policy fits, with the comparison they turn round. */
const NEGATED: ReadonlyMap<string, string> = new Map([
  ['StringNotEquals', 'StringEquals'],
  ['StringNotEqualsIgnoreCase', 'StringEqualsIgnoreCase'],
  ['StringNotLike', 'StringLike'],
  ['ArnNotEquals', 'ArnEquals'],
  ['ArnNotLike', 'ArnLike'],
  ['NotIpAddress', 'IpAddress'],
  ['NumericNotEquals', 'NumericEquals'],
  ['DateNotEquals', 'DateEquals'],
]);

/**
 * Compiles the `Condition` element of a statement: every key of every operator has to hold.
 * @throws MalformedPolicy for an operator that does not exist
 */
export function compileConditions(
  element: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>,
  variables: boolean,
): Condition {
  const all = Object.entries(element).flatMap(([operator, byKey]) =>
    Object.entries(byKey).map(([key, expected]) => compileOperator(operator, key, expected, variables)),
  );
  return (keys) => all.every((holds) => holds(keys));
}

function compileOperator(
  text: string,
  key: string,
  expected: readonly string[],
  variables: boolean,
): Condition {
  if (text === 'Null') {
    return (keys) => expected.some((wanted) => String(keys(key) === undefined) === wanted.toLowerCase());
  }
  const [, quantifier, operator = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(text) ?? [];
  const positive = NEGATED.get(operator);
  const comparison = COMPARISONS.get(positive ?? operator);
  if (!comparison) throw new MalformedPolicy(`There is no condition operator ${text}`);
  const tests = expected.map((value) => comparison(value, variables));
  const holds = (actual: string, keys: KeyValues) =>
    tests.some((test) => test(keys)(actual)) !== (positive !== undefined);
  // Without a quantifier a negated operator must hold for every value the request has, a positive one for any.
  const every = quantifier ? quantifier === 'ForAllValues' : positive !== undefined;
  const whenMissing =
    ifExists !== undefined || quantifier === 'ForAllValues' || (!quantifier && positive !== undefined);
  return (keys) => {
    const actual = keys(key);
    if (actual === undefined || actual.length === 0) return whenMissing;
    return every ? actual.every((value) => holds(value, keys)) : actual.some((value) => holds(value, keys));
  };
}
