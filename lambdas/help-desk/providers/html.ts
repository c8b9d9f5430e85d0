import type { Block } from './text.ts';
import { isWeb } from './text.ts';

/** HTML that shows texts as they are, whatever they hold. */
export function html(blocks: readonly Block[]): string {
  return blocks.map(htmlBlock).join('');
}

function htmlBlock(block: Block): string {
  switch (block.kind) {
    case 'text':
      return `<p>${escaped(block.text)}</p>`;
    case 'facts':
      return list(block.facts.map(({ label, value }) => `<b>${escaped(label)}</b>: ${escaped(value)}`));
    case 'command':
      return `<p>${escaped(block.label)}:</p><pre><code>${escaped(block.command)}</code></pre>`;
    case 'links':
      return list(
        block.links.map((link) =>
          isWeb(link)
            ? `<a href="${escaped(link.url)}">${escaped(link.label)}</a>`
            : `${escaped(link.label)}: ${escaped(link.url)}`,
        ),
      );
  }
}

function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`;
}

/** Braces too: Zendesk puts values in the place of `{{ticket.title}}` and its like in comments of agents. */
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '{': '&#123;',
  '}': '&#125;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"'{}]/g, (character) => ENTITIES[character] ?? '');
}
