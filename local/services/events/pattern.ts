import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { AwsError } from '../service.ts';

/** Whether an event (or a part of it) matches. */
export type EventTest = (event: unknown) => boolean;

type Json = Readonly<Record<string, unknown>>;
/** Judges the values of a field; none where the field is absent. */
type Matcher = (values: readonly unknown[]) => boolean;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function invalid(reason: string): never {
  throw new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}`);
}

const some =
  (test: (value: unknown) => boolean): Matcher =>
  (values) =>
    values.some(test);

const someText = (test: (value: string) => boolean): Matcher => some((v) => typeof v === 'string' && test(v));

const sameIgnoringCase = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** Text, or text under `equals-ignore-case`. */
const Affix = z.union([z.string(), z.strictObject({ 'equals-ignore-case': z.string() })]);

function affix(argument: unknown, name: string, test: (value: string, affix: string) => boolean): Matcher {
  const parsed = Affix.safeParse(argument);
  if (!parsed.success) invalid(`${name} needs a string`);
  const wanted = parsed.data;
  if (typeof wanted === 'string') return someText((v) => test(v, wanted));
  const folded = wanted['equals-ignore-case'].toLowerCase();
  return someText((v) => test(v.toLowerCase(), folded));
}

function wildcard(argument: unknown): Matcher {
  if (typeof argument !== 'string') invalid('wildcard needs a string');
  const source = argument
    .split(/(\\\*|\\\\|\*)/)
    .map((part) => {
      if (part === '*') return '.*';
      const literal = part === '\\*' || part === '\\\\' ? part.slice(1) : part;
      return literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    })
    .join('');
  const expression = new RegExp(`^${source}$`, 's');
  return someText((v) => expression.test(v));
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

function numericMatcher(argument: unknown): Matcher {
  if (!Array.isArray(argument) || argument.length === 0 || argument.length % 2 > 0) {
    invalid('numeric needs pairs of a comparison and a number');
  }
  const bounds = Array.from({ length: argument.length / 2 }, (_, i) => {
    const compare = COMPARISONS[String(argument[2 * i])];
    const bound: unknown = argument[2 * i + 1];
    if (!compare || typeof bound !== 'number')
      invalid(`numeric does not understand ${JSON.stringify(argument)}`);
    return { compare, bound };
  });
  return some((v) => typeof v === 'number' && bounds.every(({ compare, bound }) => compare(v, bound)));
}

function cidr(argument: unknown): Matcher {
  const [network = '', bits] = String(argument).split('/');
  if (!(isIPv4(network) || isIPv6(network)) || !/^\d{1,3}$/.test(bits ?? '')) {
    invalid(`${argument} is no CIDR block`);
  }
  const block = new BlockList();
  block.addSubnet(network, Number(bits), isIPv4(network) ? 'ipv4' : 'ipv6');
  return someText((v) => (isIPv4(v) ? block.check(v, 'ipv4') : isIPv6(v) && block.check(v, 'ipv6')));
}

/** Applies a matcher to a single argument or to any of a list. */
const anyOf = (argument: unknown, make: (one: unknown) => Matcher): Matcher => {
  const matchers = (Array.isArray(argument) ? argument : [argument]).map(make);
  return (values) => matchers.some((matcher) => matcher(values));
};

function anythingBut(argument: unknown): Matcher {
  let refused: Matcher;
  if (isObject(argument)) {
    const [[name, inner] = ['', undefined], ...more] = Object.entries(argument);
    if (more.length > 0 || !['prefix', 'suffix', 'equals-ignore-case', 'wildcard'].includes(name)) {
      invalid(`anything-but does not take ${JSON.stringify(argument)}`);
    }
    refused = anyOf(inner, (one) => operator(name, one));
  } else {
    refused = anyOf(argument, (one) => some((v) => v === one));
  }
  return some((v) => !refused([v]));
}

const OPERATORS: Readonly<Record<string, (argument: unknown) => Matcher>> = {
  prefix: (argument) => affix(argument, 'prefix', (v, p) => v.startsWith(p)),
  suffix: (argument) => affix(argument, 'suffix', (v, s) => v.endsWith(s)),
  'equals-ignore-case': (argument) => {
    if (typeof argument !== 'string') invalid('equals-ignore-case needs a string');
    return someText((v) => sameIgnoringCase(v, argument));
  },
  'anything-but': anythingBut,
  numeric: numericMatcher,
  cidr,
  wildcard,
  exists: (argument) => {
    if (typeof argument !== 'boolean') invalid('exists needs true or false');
    return (values) => values.some((v) => !isObject(v)) === argument;
  },
};

function operator(name: string, argument: unknown): Matcher {
  const make = OPERATORS[name];
  if (!make) invalid(`Unrecognized match type ${name}`);
  return make(argument);
}

function leaf(alternative: unknown): Matcher {
  if (Array.isArray(alternative)) invalid('arrays in arrays are not allowed');
  if (!isObject(alternative)) return some((v) => v === alternative);
  const [[name, argument] = ['', undefined], ...more] = Object.entries(alternative);
  if (more.length > 0) invalid('Only one key allowed in match expression');
  return operator(name, argument);
}

/** The values of a field: those of a list one by one. */
const valuesOf = (value: unknown): readonly unknown[] => {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value];
};

function field(name: string, pattern: unknown): (event: Json) => boolean {
  if (Array.isArray(pattern)) {
    if (pattern.length === 0) invalid('Empty arrays are not allowed');
    const matchers = pattern.map(leaf);
    return (event) => {
      const values = valuesOf(event[name]);
      return matchers.some((matcher) => matcher(values));
    };
  }
  if (!isObject(pattern)) invalid(`"${name}" must be an object or an array`);
  const test = compile(pattern);
  return (event) => {
    const value = event[name];
    return Array.isArray(value)
      ? value.some((each) => isObject(each) && test(each))
      : test(isObject(value) ? value : {});
  };
}

function compile(pattern: Json): (event: Json) => boolean {
  if (Object.keys(pattern).length === 0) invalid('Empty objects are not allowed');
  const tests = Object.entries(pattern).map(([name, part]) => {
    if (name !== '$or') return field(name, part);
    if (!Array.isArray(part) || part.length < 2 || !part.every(isObject)) {
      invalid('$or needs an array of at least two objects');
    }
    const alternatives = part.map(compile);
    return (event: Json) => alternatives.some((alternative) => alternative(event));
  });
  return (event) => tests.every((test) => test(event));
}

/** @throws AwsError `InvalidEventPatternException` for what is no JSON or no pattern */
export function parsePattern(text: string): EventTest {
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch (error) {
    invalid(`it is no JSON: ${error instanceof Error ? error.message : error}`);
  }
  return compilePattern(pattern);
}

/**
 * Compiles an EventBridge event pattern.
 * @throws AwsError InvalidEventPatternException
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export function compilePattern(pattern: unknown): EventTest {
  if (!isObject(pattern)) invalid('Filter is not an object');
  const test = compile(pattern);
  return (event) => isObject(event) && test(event);
}
