import jsonata from 'jsonata';
import type { StateMachine } from './definition.ts';
import { expressionIn } from './expressions.ts';
import { isArray, isObject, type Json, type JsonObject } from './json.ts';
import { parseResource } from './resource.ts';

const COMMON = ['Type', 'Comment', 'QueryLanguage'];
const TRANSITION = ['Next', 'End', 'Output', 'Assign'];
const RECOVERY = ['Retry', 'Catch'];

/** Fields of each state type in JSONata mode; anything else, the JSONPath fields above all, is refused. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  Task: [
    ...TRANSITION,
    ...RECOVERY,
    'Resource',
    'Arguments',
    'TimeoutSeconds',
    'HeartbeatSeconds',
    'Credentials',
  ],
  Pass: TRANSITION,
  Choice: ['Choices', 'Default', 'Output', 'Assign'],
  Wait: [...TRANSITION, 'Seconds', 'Timestamp'],
  Succeed: ['Output'],
  Fail: ['Error', 'Cause'],
  Parallel: [...TRANSITION, ...RECOVERY, 'Branches', 'Arguments'],
  Map: [
    ...TRANSITION,
    ...RECOVERY,
    ...[
      'ItemProcessor',
      'Items',
      'ItemSelector',
      'ItemReader',
      'ItemBatcher',
      'ResultWriter',
      'MaxConcurrency',
    ],
    ...['ToleratedFailurePercentage', 'ToleratedFailureCount', 'Label'],
  ],
};

const JSONPATH_FIELDS = new Set([
  ...[
    'InputPath',
    'OutputPath',
    'ResultPath',
    'Parameters',
    'Result',
    'ResultSelector',
    'SecondsPath',
    'ErrorPath',
  ],
  ...[
    'TimestampPath',
    'TimeoutSecondsPath',
    'HeartbeatSecondsPath',
    'ItemsPath',
    'MaxConcurrencyPath',
    'CausePath',
  ],
  ...['ToleratedFailurePercentagePath', 'ToleratedFailureCountPath', 'Variable'],
]);

const RETRIER_FIELDS = [
  ...[
    'ErrorEquals',
    'IntervalSeconds',
    'MaxAttempts',
    'BackoffRate',
    'MaxDelaySeconds',
    'JitterStrategy',
    'Comment',
  ],
];
const CATCHER_FIELDS = ['ErrorEquals', 'Next', 'Output', 'Assign', 'Comment'];
const RULE_FIELDS = ['Condition', 'Next', 'Output', 'Assign', 'Comment'];
const FLOW_FIELDS = ['Comment', 'QueryLanguage', 'StartAt', 'States'];
const VARIABLE_NAME = /^[\p{ID_Start}][\p{ID_Continue}]{0,79}$/u;
const MAX_NAME = 80;

/**
 * Checks a definition without running it; returns what is wrong, each with its place, and nothing where all is well.
 * Only JSONata definitions are accepted: `QueryLanguage` must be JSONata at the top.
 */
export function validateDefinition(definition: unknown): string[] {
  const problems: string[] = [];
  const top: unknown = typeof definition === 'string' ? parse(definition, problems) : definition;
  if (problems.length) return problems;
  if (!isObject(top)) return ['The definition must be a JSON object.'];
  if (top.QueryLanguage !== 'JSONata')
    problems.push(`QueryLanguage must be JSONata at the top of the definition${jsonPathState(top)}.`);
  new Check(problems).flow(top, '', [...FLOW_FIELDS, 'TimeoutSeconds', 'Version'], new Set(), new Set());
  return problems;
}

/** Narrows a definition that `validateDefinition` finds nothing wrong with. */
export const isStateMachine = (definition: unknown): definition is StateMachine =>
  validateDefinition(definition).length === 0;

function parse(text: string, problems: string[]): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    problems.push(`The definition is not JSON: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** Names a state that is written in JSONPath, for the person who forgot the query language. */
function jsonPathState(top: JsonObject): string {
  const found = Object.entries(isObject(top.States) ? top.States : {}).find(
    ([, state]) => isObject(state) && Object.keys(state).some((field) => JSONPATH_FIELDS.has(field)),
  );
  return found ? `; state '${found[0]}' uses JSONPath, which is not supported` : '';
}

class Check {
  readonly #problems: string[];

  constructor(problems: string[]) {
    this.#problems = problems;
  }

  flow(
    flow: JsonObject,
    place: string,
    fields: readonly string[],
    names: Set<string>,
    outerVariables: ReadonlySet<string>,
  ): void {
    this.#unknownFields(flow, fields, place || '/');
    const states = isObject(flow.States) ? flow.States : {};
    if (Object.keys(states).length === 0) this.#say(`${place}/States`, 'must hold at least one state');
    if (typeof flow.StartAt !== 'string' || !Object.hasOwn(states, flow.StartAt))
      this.#say(`${place}/StartAt`, `names no state: ${JSON.stringify(flow.StartAt)}`);
    const variables = new Set<string>();
    for (const [name, state] of Object.entries(states)) {
      const at = `${place}/States/${name}`;
      if (name.length > MAX_NAME) this.#say(at, `has a name longer than ${MAX_NAME} characters`);
      if (names.has(name)) this.#say(at, 'has a name that another state of the state machine has');
      names.add(name);
      if (isObject(state)) this.#state(state, name, at, states, variables);
      else this.#say(at, 'must be an object');
    }
    for (const variable of variables)
      if (outerVariables.has(variable))
        this.#say(place, `assigns variable '${variable}', which exists in an outer scope`);
    this.#reachable(states, flow.StartAt, place);
    const seen = new Set([...outerVariables, ...variables]);
    for (const [name, state] of Object.entries(states))
      if (isObject(state)) this.#innerFlows(state, `${place}/States/${name}`, names, seen);
  }

  #say(place: string, problem: string): void {
    this.#problems.push(`${place}: ${problem}`);
  }

  #state(state: JsonObject, name: string, at: string, states: JsonObject, variables: Set<string>): void {
    const type = String(state.Type);
    const allowed = FIELDS[type];
    if (!allowed) {
      this.#say(`${at}/Type`, `unknown state type ${JSON.stringify(state.Type)}`);
      return;
    }
    if (state.QueryLanguage !== undefined && state.QueryLanguage !== 'JSONata')
      this.#say(at, `state '${name}' uses JSONPath, which is not supported`);
    this.#unknownFields(state, [...COMMON, ...allowed], at);
    const ends = type === 'Choice' || type === 'Succeed' || type === 'Fail';
    if (!ends && (state.Next === undefined) === (state.End !== true))
      this.#say(at, 'must have either Next or "End": true');
    for (const [field, target] of targets(state, at))
      if (typeof target !== 'string' || !Object.hasOwn(states, target))
        this.#say(field, `names no state: ${JSON.stringify(target)}`);
    this.#required(type, state, at);
    for (const [field, list, fields] of [
      ['Retry', state.Retry, RETRIER_FIELDS],
      ['Catch', state.Catch, CATCHER_FIELDS],
    ] as const)
      this.#handlers(list, `${at}/${field}`, fields);
    for (const [holder, where] of assigners(state, at)) {
      if (!isObject(holder.Assign)) continue;
      for (const variable of Object.keys(holder.Assign)) {
        variables.add(variable);
        if (variable === 'states' || !VARIABLE_NAME.test(variable))
          this.#say(`${where}/Assign`, `'${variable}' is not a variable name`);
      }
    }
    const { Branches: _branches, ItemProcessor: _processor, ...own } = state;
    this.#expressions(own, at);
  }

  #required(type: string, state: JsonObject, at: string): void {
    if (type === 'Task' && (typeof state.Resource !== 'string' || !parseResource(state.Resource)))
      this.#say(`${at}/Resource`, `is no resource that a Task can call: ${JSON.stringify(state.Resource)}`);
    if (type === 'Wait' && (state.Seconds === undefined) === (state.Timestamp === undefined))
      this.#say(at, 'must have exactly one of Seconds and Timestamp');
    if (
      type === 'Parallel' &&
      !(isArray(state.Branches ?? null) && Array.isArray(state.Branches) && state.Branches.length)
    )
      this.#say(`${at}/Branches`, 'must be an array of at least one branch');
    if (type === 'Map' && !isObject(state.ItemProcessor))
      this.#say(`${at}/ItemProcessor`, 'must be an object');
    if (type !== 'Choice') return;
    const rules = Array.isArray(state.Choices) ? state.Choices : [];
    if (!rules.length) this.#say(`${at}/Choices`, 'must be an array of at least one rule');
    for (const [index, rule] of rules.entries()) {
      const where = `${at}/Choices[${index}]`;
      if (!isObject(rule)) continue;
      this.#unknownFields(rule, RULE_FIELDS, where);
      const condition = rule.Condition;
      if (
        typeof condition !== 'boolean' &&
        (typeof condition !== 'string' || expressionIn(condition) === undefined)
      )
        this.#say(`${where}/Condition`, 'must be a {% %} expression or a boolean');
    }
  }

  #handlers(list: Json | undefined, at: string, fields: readonly string[]): void {
    if (list === undefined) return;
    const handlers = Array.isArray(list) ? list : [];
    for (const [index, handler] of handlers.entries()) {
      const where = `${at}[${index}]`;
      const errors = isObject(handler) && Array.isArray(handler.ErrorEquals) ? handler.ErrorEquals : [];
      if (!isObject(handler) || !errors.length) {
        this.#say(where, 'must have ErrorEquals with at least one error name');
        continue;
      }
      this.#unknownFields(handler, fields, where);
      if (errors.includes('States.ALL') && (errors.length > 1 || index < handlers.length - 1))
        this.#say(where, 'States.ALL must stand alone and in the last place');
      if (typeof handler.BackoffRate === 'number' && handler.BackoffRate < 1)
        this.#say(`${where}/BackoffRate`, 'must be at least 1');
    }
  }

  #innerFlows(state: JsonObject, at: string, names: Set<string>, variables: ReadonlySet<string>): void {
    for (const [index, branch] of (Array.isArray(state.Branches) ? state.Branches : []).entries())
      if (isObject(branch)) this.flow(branch, `${at}/Branches[${index}]`, FLOW_FIELDS, names, variables);
    if (!isObject(state.ItemProcessor)) return;
    const config = state.ItemProcessor.ProcessorConfig;
    const distributed = isObject(config) && config.Mode === 'DISTRIBUTED';
    if (!distributed)
      for (const field of ['ItemReader', 'ItemBatcher', 'ResultWriter', 'Label'])
        if (state[field] !== undefined)
          this.#say(`${at}/${field}`, 'is allowed only where the Mode is DISTRIBUTED');
    // Also where the children of a distributed Map cannot see the variables: names are one to a nest (developer guide,
    // "Passing data between states with variables").
    this.flow(
      state.ItemProcessor,
      `${at}/ItemProcessor`,
      [...FLOW_FIELDS, 'ProcessorConfig'],
      names,
      variables,
    );
  }

  #unknownFields(object: JsonObject, allowed: readonly string[], at: string): void {
    for (const field of Object.keys(object))
      if (!allowed.includes(field))
        this.#say(
          `${at}/${field}`.replace('//', '/'),
          JSONPATH_FIELDS.has(field)
            ? 'is a JSONPath field, which is not supported in JSONata mode'
            : 'is not a field that is allowed here',
        );
  }

  #expressions(value: Json, at: string): void {
    if (typeof value === 'string') {
      const source = expressionIn(value);
      if (source === undefined) return;
      try {
        jsonata(source);
      } catch (error) {
        const message =
          typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
        this.#say(at, `is not a JSONata expression: ${String(message)}`);
      }
    } else if (typeof value === 'object' && value !== null)
      for (const [name, part] of Object.entries(value)) this.#expressions(part, `${at}/${name}`);
  }

  #reachable(states: JsonObject, start: Json | undefined, place: string): void {
    const reached = new Set<string>();
    const open = typeof start === 'string' ? [start] : [];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const state = states[name];
      if (reached.has(name) || !isObject(state)) continue;
      reached.add(name);
      for (const [, target] of targets(state, '')) if (typeof target === 'string') open.push(target);
    }
    for (const name of Object.keys(states))
      if (!reached.has(name)) this.#say(`${place}/States/${name}`, 'cannot be reached from StartAt');
  }
}

/** Every place of a state that names a next state. */
function targets(state: JsonObject, at: string): [place: string, target: Json | undefined][] {
  const found: [string, Json | undefined][] = [];
  for (const field of ['Next', 'Default'])
    if (state[field] !== undefined) found.push([`${at}/${field}`, state[field]]);
  for (const list of ['Choices', 'Catch'])
    for (const [index, part] of (Array.isArray(state[list]) ? state[list] : []).entries())
      if (isObject(part)) found.push([`${at}/${list}[${index}]/Next`, part.Next]);
  return found;
}

/** Every place of a state that may assign variables. */
function assigners(state: JsonObject, at: string): [holder: JsonObject, place: string][] {
  const parts = ['Choices', 'Catch'].flatMap((list) =>
    (Array.isArray(state[list]) ? state[list] : []).map(
      (part, index) => [part, `${at}/${list}[${index}]`] as const,
    ),
  );
  return [[state, at] as const, ...parts].flatMap(([part, place]) =>
    isObject(part) ? [[part, place] satisfies [JsonObject, string]] : [],
  );
}
