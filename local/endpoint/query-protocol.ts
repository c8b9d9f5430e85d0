import { AwsError, type Shape } from '../services/service.ts';

/** XML namespace of the services that speak the awsQuery protocol, by signing name. */
const NAMESPACES: Readonly<Record<string, string>> = {
  cloudformation: 'http://cloudformation.amazonaws.com/doc/2010-05-15/',
  iam: 'https://iam.amazonaws.com/doc/2010-05-08/',
  monitoring: 'http://monitoring.amazonaws.com/doc/2010-08-01/',
  sns: 'http://sns.amazonaws.com/doc/2010-03-31/',
  sts: 'https://sts.amazonaws.com/doc/2011-06-15/',
};

/**
 * Reads the form body of an awsQuery request: `A.member.1.B=x` becomes `{A: [{B: 'x'}]}` and `A.entry.1.key=k` with
 * `A.entry.1.value=v` becomes `{A: {k: 'v'}}`. All leaves are strings, as the protocol carries no types.
 */
export function parseQuery(body: string): { operation: string; input: Shape } {
  const tree: Tree = new Map();
  const form = new URLSearchParams(body);
  for (const [name, value] of form) {
    if (name === 'Action' || name === 'Version') continue;
    let node = tree;
    const path = name.split('.');
    for (const part of path.slice(0, -1)) {
      const next = node.get(part);
      const child: Tree = next instanceof Map ? next : new Map();
      node.set(part, child);
      node = child;
    }
    node.set(path.at(-1) ?? name, value);
  }
  const operation = form.get('Action');
  if (!operation) throw new AwsError('MissingAction', 'The request names no Action.');
  return { operation, input: Object.fromEntries([...tree].map(([name, value]) => [name, fromTree(value)])) };
}

type Tree = Map<string, Tree | string>;

function fromTree(node: Tree | string): unknown {
  if (typeof node === 'string') return node;
  const wrapped = node.get('member') ?? node.get('entry');
  if (node.size === 1 && wrapped instanceof Map) {
    const items = inOrder(wrapped);
    if (!node.has('entry')) return items;
    return Object.fromEntries(items.map((item) => Object.values(Object(item))));
  }
  if ([...node.keys()].every((key) => /^\d+$/.test(key))) return inOrder(node);
  return Object.fromEntries([...node].map(([name, value]) => [name, fromTree(value)]));
}

function inOrder(list: Tree): unknown[] {
  return [...list].sort(([a], [b]) => Number(a) - Number(b)).map(([, value]) => fromTree(value));
}

/** Writes an awsQuery answer: lists as `<member>`, instants in ISO 8601. */
export function queryResponse(service: string, operation: string, output: Shape, requestId: string): string {
  const namespace = NAMESPACES[service] ?? `http://${service}.amazonaws.com/doc/`;
  return (
    `<${operation}Response xmlns="${namespace}"><${operation}Result>${toXml(output)}</${operation}Result>` +
    `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`
  );
}

export function queryError(service: string, error: AwsError, requestId: string): string {
  const type = error.status >= 500 ? 'Receiver' : 'Sender';
  return (
    `<ErrorResponse xmlns="${NAMESPACES[service] ?? ''}"><Error><Type>${type}</Type><Code>${escapeXml(error.code)}</Code>` +
    `<Message>${escapeXml(error.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`
  );
}

/** A `Map` is a map of the API; an object is a structure. */
function toXml(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map) {
    return [...value].map(([key, child]) => `<entry>${toXml({ key, value: child })}</entry>`).join('');
  }
  if (Array.isArray(value)) return value.map((item) => `<member>${toXml(item)}</member>`).join('');
  if (typeof value === 'object') {
    return Object.entries(value)
      .filter(([, child]) => child !== undefined && child !== null)
      .map(([name, child]) => `<${name}>${toXml(child)}</${name}>`)
      .join('');
  }
  return escapeXml(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
