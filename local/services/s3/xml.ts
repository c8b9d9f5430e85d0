import { XMLParser } from 'fast-xml-parser';
import { S3Error } from './errors.ts';

/** What an element holds: text, child elements, or (as an array) several elements of the same name. */
export type XmlValue = string | number | boolean | undefined | XmlNode | readonly XmlValue[];
export interface XmlNode {
  [name: string]: XmlValue;
}

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** Control characters become numeric references, as S3 sends keys that XML 1.0 cannot hold. */
const escapeText = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be escaped
  text.replace(/[&<>"\u0000-\u001f\u007f]/g, (c) => ESCAPES[c] ?? `&#x${c.charCodeAt(0).toString(16)};`);

function element(name: string, value: XmlValue): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map((one) => element(name, one)).join('');
  if (typeof value !== 'object') return `<${name}>${escapeText(String(value))}</${name}>`;
  const children = Object.entries(value).map(([child, inner]) => element(child, inner));
  return `<${name}>${children.join('')}</${name}>`;
}

/** A document with S3's namespace; undefined members are left out. */
export function xml(root: string, node: XmlNode | string): string {
  const body = element(root, node);
  const namespaced = root === 'Error' ? body : body.replace(`<${root}>`, `<${root} xmlns="${NAMESPACE}">`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${namespaced}`;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** References are resolved here, because the parser drops those of control characters, which keys may hold. */
const unescapeText = (text: string): string =>
  text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) =>
    name === undefined
      ? String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))
      : (NAMED[name] ?? whole),
  );

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  removeNSPrefix: true,
  processEntities: false,
  tagValueProcessor: (_name, value) => unescapeText(value),
});

/** The content of the root element. @throws S3Error MalformedXML when it is not `root`. */
export function parseXml(body: Buffer, root: string): XmlNode {
  let document: unknown;
  try {
    document = parser.parse(body.toString('utf8'), true);
  } catch {
    throw new S3Error('MalformedXML');
  }
  const content = isNode(document) ? document[root] : undefined;
  if (typeof content === 'string' && content.trim() === '') return {};
  if (!isNode(content)) throw new S3Error('MalformedXML');
  return withoutBlanks(content);
}

export const isNode = (value: unknown): value is XmlNode =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An element that may come once, several times or not at all, as a list. */
export function list(value: XmlValue): XmlValue[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? [...value] : [value];
}

/** The child elements called `name` of `node` that themselves have children. */
export const nodes = (node: XmlValue, name: string): XmlNode[] =>
  isNode(node) ? list(node[name]).filter(isNode) : [];

export const text = (value: XmlValue): string | undefined =>
  value === undefined || typeof value === 'object' ? undefined : String(value);

/** Drops the text between elements of an indented document. */
function withoutBlanks(node: XmlNode): XmlNode {
  const clean: XmlNode = {};
  for (const [name, value] of Object.entries(node)) {
    if (name === '#text') continue;
    const values = list(value).map((one) => (isNode(one) ? withoutBlanks(one) : one));
    clean[name] = values.length === 1 ? values[0] : values;
  }
  return clean;
}
