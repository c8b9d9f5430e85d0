import type { Shape } from '../services/service.ts';

/** What the intrinsic functions of one stack are resolved against. Every look-up throws where there is nothing. */
export interface Scope {
  ref(logicalId: string): unknown;
  getAtt(logicalId: string, attribute: string): unknown;
  condition(name: string): boolean;
  mapping(map: string, first: string, second: string): unknown;
  importValue(name: string): unknown;
  stackOutput(stackName: string, output: string): unknown;
  readonly availabilityZones: readonly string[];
}

/** What `{"Ref": "AWS::NoValue"}` resolves to: the property or element is left out. */
export const NO_VALUE = Symbol('AWS::NoValue');

type Intrinsic = (argument: unknown, scope: Scope) => unknown;

/** The intrinsic functions of CloudFormation that are understood, by key. */
const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  Ref: (argument, scope) => scope.ref(text(argument)),
  'Fn::GetAtt': (argument, scope) => {
    const [logicalId, attribute] = attributeReference(argument);
    return scope.getAtt(logicalId, text(resolve(attribute, scope)));
  },
  'Fn::Join': (argument, scope) => {
    const [delimiter, values] = list(resolve(argument, scope));
    return list(values).map(text).join(text(delimiter));
  },
  'Fn::Sub': (argument, scope) => {
    const [template, variables] = Array.isArray(argument) ? argument : [argument, {}];
    const own = record(resolve(variables, scope));
    return text(template).replace(PLACEHOLDER, (_match, literal?: string, name = '') => {
      if (literal !== undefined) return `\${${literal}}`;
      if (Object.hasOwn(own, name)) return text(own[name]);
      const dot = name.indexOf('.');
      return text(dot < 0 ? scope.ref(name) : scope.getAtt(name.slice(0, dot), name.slice(dot + 1)));
    });
  },
  'Fn::Select': (argument, scope) => {
    const [index, values] = list(resolve(argument, scope));
    const value = list(values)[Number(index)];
    if (value === undefined) throw new Error(`Fn::Select: there is no element ${index}`);
    return value;
  },
  'Fn::Split': (argument, scope) => {
    const [delimiter, value] = list(resolve(argument, scope));
    return text(value).split(text(delimiter));
  },
  'Fn::GetAZs': (_argument, scope) => scope.availabilityZones,
  'Fn::If': (argument, scope) => {
    const [name, whenTrue, whenFalse] = list(argument);
    return resolve(scope.condition(text(name)) ? whenTrue : whenFalse, scope);
  },
  'Fn::Equals': (argument, scope) => {
    const [left, right] = list(resolve(argument, scope));
    return text(left) === text(right);
  },
  'Fn::Not': (argument, scope) => !truth(list(argument)[0], scope),
  'Fn::And': (argument, scope) => list(argument).every((part) => truth(part, scope)),
  'Fn::Or': (argument, scope) => list(argument).some((part) => truth(part, scope)),
  'Fn::FindInMap': (argument, scope) => {
    const [map, first, second] = list(resolve(argument, scope)).map(text);
    return scope.mapping(map ?? '', first ?? '', second ?? '');
  },
  'Fn::Base64': (argument, scope) => Buffer.from(text(resolve(argument, scope))).toString('base64'),
  'Fn::Cidr': (argument, scope) => {
    const [block, count, bits] = list(resolve(argument, scope));
    return cidrBlocks(text(block), Number(count), Number(bits));
  },
  'Fn::ImportValue': (argument, scope) => scope.importValue(text(resolve(argument, scope))),
  'Fn::GetStackOutput': (argument, scope) => {
    const { StackName, OutputName } = record(resolve(argument, scope));
    return scope.stackOutput(text(StackName), text(OutputName));
  },
};

/** `${Name}`, `${Name.Attribute}`, or `${!Literal}`, which stands for `${Literal}`. */
const PLACEHOLDER = /\$\{(?:!([^}]*)|([^}]+))\}/g;

/** Resolves every intrinsic function in a value of a template. */
export function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) {
    return value.map((element) => resolve(element, scope)).filter((element) => element !== NO_VALUE);
  }
  if (!isRecord(value)) return value;
  const call = intrinsicCall(value);
  if (call) {
    const intrinsic = INTRINSICS[call.name];
    if (!intrinsic) throw new Error(`${call.name} is not understood`);
    return intrinsic(call.argument, scope);
  }
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]) => [name, resolve(member, scope)] as const)
      .filter(([, member]) => member !== NO_VALUE),
  );
}

/** Truth of a value in the `Conditions` section, where `{"Condition": name}` names another condition. */
export function truth(value: unknown, scope: Scope): boolean {
  if (isRecord(value) && typeof value.Condition === 'string') return scope.condition(value.Condition);
  const resolved = resolve(value, scope);
  return resolved === true || resolved === 'true';
}

/** What a value of a template mentions: names of resources and parameters, and functions that are not understood. */
export function mentions(value: unknown): { names: Set<string>; unknown: Set<string> } {
  const names = new Set<string>();
  const unknown = new Set<string>();
  const visit = (part: unknown): void => {
    if (typeof part === 'string') {
      for (const [reference] of part.matchAll(/\{\{resolve:[^}]*\}\}/g)) unknown.add(reference);
    }
    if (typeof part !== 'object' || part === null) return;
    const call = isRecord(part) ? intrinsicCall(part) : undefined;
    if (!call) {
      Object.values(part).forEach(visit);
      return;
    }
    const { name, argument } = call;
    if (!INTRINSICS[name]) unknown.add(name);
    if (name === 'Ref') names.add(text(argument));
    else if (name === 'Fn::GetAtt') names.add(attributeReference(argument)[0]);
    else if (name === 'Fn::Sub') for (const found of substituted(argument)) names.add(found);
    if (name !== 'Ref') visit(argument);
  };
  visit(value);
  return { names, unknown };
}

function substituted(argument: unknown): string[] {
  const [template, variables] = Array.isArray(argument) ? argument : [argument, {}];
  return [...text(template).matchAll(PLACEHOLDER)]
    .map(([, , name]) => name)
    .filter((name) => name !== undefined && !Object.hasOwn(record(variables), name))
    .map((name) => (name ?? '').split('.')[0] ?? '');
}

function intrinsicCall(value: Shape): { name: string; argument: unknown } | undefined {
  const [[name, argument] = ['', undefined], ...others] = Object.entries(value);
  return others.length === 0 && (name === 'Ref' || name.startsWith('Fn::')) ? { name, argument } : undefined;
}

function attributeReference(argument: unknown): [logicalId: string, attribute: unknown] {
  if (Array.isArray(argument)) return [text(argument[0]), argument[1]];
  const [logicalId = '', ...attribute] = text(argument).split('.');
  return [logicalId, attribute.join('.')];
}

/** `count` blocks of 2^bits addresses each, from the start of an IPv4 block. */
function cidrBlocks(block: string, count: number, bits: number): string[] {
  const [address = ''] = block.split('/');
  const start = address.split('.').reduce((number, octet) => number * 256 + Number(octet), 0);
  return Array.from({ length: count }, (_, index) => {
    const first = start + index * 2 ** bits;
    const octets = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
    return `${octets.join('.')}/${32 - bits}`;
  });
}

function isRecord(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function record(value: unknown): Shape {
  if (isRecord(value)) return value;
  throw new Error(`an object was expected, not ${JSON.stringify(value)}`);
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`a list was expected, not ${JSON.stringify(value)}`);
}

function text(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  throw new Error(`a string was expected, not ${JSON.stringify(value)}`);
}
