import type { TicketLink } from '../contract.ts';
import { type Block, type Fact, isWeb } from './text.ts';

/** A node of the Atlassian Document Format. */
interface Node {
  readonly type: string;
  readonly text?: string;
  readonly attrs?: Readonly<Record<string, string>>;
  readonly marks?: readonly { readonly type: string; readonly attrs?: Readonly<Record<string, string>> }[];
  readonly content?: readonly Node[];
}

/**
 * A document of Atlassian's products
 * (https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/). Texts are nodes, so nothing in them
 * is markup.
 */
export function adf(blocks: readonly Block[]): Node & { readonly version: 1 } {
  return { version: 1, type: 'doc', content: blocks.flatMap(nodesOf) };
}

function nodesOf(block: Block): Node[] {
  switch (block.kind) {
    case 'text':
      return [paragraph(textNode(block.text))];
    case 'facts':
      return [list(block.facts.map(factNodes))];
    case 'command':
      return [
        paragraph(textNode(`${block.label}:`)),
        { type: 'codeBlock', attrs: { language: 'shell' }, content: [textNode(block.command)] },
      ];
    case 'links':
      return [list(block.links.map(linkNodes))];
  }
}

function factNodes({ label, value }: Fact): Node[] {
  return [{ ...textNode(label), marks: [{ type: 'strong' }] }, textNode(`: ${value}`)];
}

function linkNodes(link: TicketLink): Node[] {
  if (!isWeb(link)) return [textNode(`${link.label}: ${link.url}`)];
  return [{ ...textNode(link.label), marks: [{ type: 'link', attrs: { href: link.url } }] }];
}

const paragraph = (...content: readonly Node[]): Node => ({ type: 'paragraph', content });

const list = (items: readonly (readonly Node[])[]): Node => ({
  type: 'bulletList',
  content: items.map((content) => ({ type: 'listItem', content: [paragraph(...content)] })),
});

/** Empty texts are not allowed. */
const textNode = (text: string): Node => ({ type: 'text', text: text === '' ? '–' : text });
