import jsonata from 'jsonata';
import { FUNCTIONS } from './functions.ts';
import type { Json, JsonObject } from './json.ts';
import { isObject } from './json.ts';

/** Variables in sight, by name; those of outer scopes are found through the prototype. */
export type Variables = Record<string, Json>;

/** What an expression can see: `$states`, the variables, the time. */
export interface Bindings {
  readonly states: object;
  readonly variables: Variables;
  readonly now: () => number;
}

/** An expression that could not be evaluated; `reason` is the sentence of the API. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
}

/** A template made ready: `constant` where it holds no expression. */
export interface Template {
  readonly constant?: Json;
  evaluate(bindings: Bindings, field: string): Json | Promise<Json>;
}

const EXPRESSION = /^\{%([\s\S]*)%\}$/;
const STATES_PATH = /^\$states((?:\.[A-Za-z_]\w*)+)$/;
const USES_CLOCK = /\$(now|millis)\b/;
const FORMAT_TIME = jsonata('$fromMillis($millis, $picture, $zone)');

const expressions = new Map<string, Template>();
const templates = new WeakMap<object, Template>();

/** The source between `{%` and `%}`, or undefined for plain text. */
export const expressionIn = (text: string): string | undefined => EXPRESSION.exec(text)?.[1]?.trim();

/** Compiles a field of a state: every string written as `{% … %}` is an expression. Compiled once per definition. */
export function compile(template: Json): Template {
  if (typeof template === 'string') {
    const source = expressionIn(template);
    if (source === undefined) return constant(template);
    const known = expressions.get(source);
    if (known) return known;
    const made = compileExpression(source);
    expressions.set(source, made);
    return made;
  }
  if (typeof template !== 'object' || template === null) return constant(template);
  const known = templates.get(template);
  if (known) return known;
  const made = isObject(template) ? compileObject(template) : compileArray(template);
  templates.set(template, made);
  return made;
}

const constant = (value: Json): Template => ({ constant: value, evaluate: () => value });
const isConstant = (template: Template): boolean => template.constant !== undefined;

function compileArray(list: readonly Json[]): Template {
  const parts = list.map(compile);
  if (parts.every(isConstant)) return constant(list);
  return {
    evaluate: (bindings, field) =>
      Promise.all(parts.map((part, index) => part.evaluate(bindings, `${field}[${index}]`))),
  };
}

function compileObject(object: JsonObject): Template {
  const parts = Object.entries(object).map(([name, value]) => [name, compile(value)] as const);
  if (parts.every(([, part]) => isConstant(part))) return constant(object);
  return {
    async evaluate(bindings, field) {
      const result: Record<string, Json> = {};
      for (const [name, part] of parts)
        result[name] = part.constant ?? (await part.evaluate(bindings, `${field}/${name}`));
      return result;
    },
  };
}

/** @throws jsonata's error where the source is not an expression */
function compileExpression(source: string): Template {
  const expression = jsonata(source);
  for (const [name, implementation] of Object.entries(FUNCTIONS))
    expression.registerFunction(name, (...args: unknown[]) => implementation(...args));
  const path = STATES_PATH.exec(source)?.[1]?.slice(1).split('.');
  const usesClock = USES_CLOCK.test(source);
  const full = async (bindings: Bindings, field: string): Promise<Json> => {
    const bound: Record<string, unknown> = Object.create(bindings.variables);
    bound.states = bindings.states;
    if (usesClock) {
      bound.millis = bindings.now;
      bound.now = (picture?: string, zone?: string) =>
        FORMAT_TIME.evaluate(undefined, { millis: bindings.now(), picture, zone });
    }
    let result: unknown;
    try {
      result = await expression.evaluate(undefined, bound);
    } catch (error) {
      throw new EvaluationError(
        `The JSONata expression '${source}' specified for the field '${field}' threw an error during evaluation. ${describe(error)}`,
        { cause: error },
      );
    }
    if (result === undefined)
      throw new EvaluationError(
        `The JSONata expression '${source}' specified for the field '${field}' returned nothing (undefined).`,
      );
    return plain(result, source, field);
  };
  if (!path) return { evaluate: full };
  // Most expressions are a plain path into $states; walking it needs no JSONata as long as only objects are passed.
  return { evaluate: (bindings, field) => walk(bindings.states, path) ?? full(bindings, field) };
}

function walk(states: object, path: readonly string[]): Json | undefined {
  let value: unknown = states;
  for (const name of path) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return isJson(value) ? value : undefined;
}

const isJson = (value: unknown): value is Json => value !== undefined && typeof value !== 'function';

const describe = (error: unknown): string => {
  if (!isObjectWith(error, 'message')) return String(error);
  return 'code' in error && error.code
    ? `${String(error.code)}: ${String(error.message)}`
    : String(error.message);
};

const isObjectWith = <K extends string>(value: unknown, key: K): value is Record<K, unknown> =>
  typeof value === 'object' && value !== null && key in value;

/** Frees a result from JSONata's marks on arrays, and refuses what JSON cannot hold. */
function plain(value: unknown, source: string, field: string): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    const list = items.map((item) => plain(item ?? null, source, field));
    // Unmarked arrays whose items did not change are kept, so that large inputs are not copied at each state.
    const marked = Object.getOwnPropertyNames(value).length > value.length + 1;
    return marked || list.some((item, index) => item !== items[index])
      ? list
      : (value satisfies readonly Json[]);
  }
  if (isObject(value)) {
    let changed = false;
    const result: Record<string, Json> = {};
    for (const [name, item] of Object.entries<unknown>(value)) {
      if (item === undefined) {
        changed = true;
        continue;
      }
      const made = plain(item, source, field);
      changed ||= made !== item;
      result[name] = made;
    }
    return changed ? result : value;
  }
  throw new EvaluationError(
    `The JSONata expression '${source}' specified for the field '${field}' returned an unsupported result type.`,
  );
}
