import type { LocalTicket } from './store.ts';

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const CSS = `
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2024 }
  article { border: 1px solid #d5d9dd; border-left: .4rem solid #c62a2f; border-radius: .3rem; padding: .6rem 1rem; margin: 1rem 0 }
  article.resolved { border-left-color: #2b9a66 }
  h2 { font-size: 1rem; margin: 0 } dl, ol { margin: .4rem 0; padding-left: 1.2rem }
  small, time { color: #60646c } pre { white-space: pre-wrap; margin: 0; font: inherit }
`;

/** The page for people: every ticket with its state and history, the newest first. No script, everything escaped. */
export function page(tickets: readonly LocalTicket[]): string {
  const open = tickets.filter(({ state }) => state === 'open').length;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Help desk</title><style>${CSS}</style></head>
<body><h1>Help desk</h1>
<p>${tickets.length === 0 ? 'No ticket has been opened yet.' : `${open} open, ${tickets.length - open} resolved. As data: <a href="/tickets">/tickets</a>.`}</p>
${tickets.toReversed().map(article).join('\n')}
</body></html>
`;
}

function article({ desk, id, title, state, status, priority, history }: LocalTicket): string {
  const changes = history.map(
    ({ at, kind, text }) => `<li><time>${escaped(at)}</time> <b>${kind}</b><pre>${escaped(text)}</pre></li>`,
  );
  return `<article class="${state}" id="${escaped(`${desk}-${id}`)}">
<h2>${escaped(title)}</h2>
<small>${escaped([desk, id, status, priority].filter(Boolean).join(' · '))}</small>
<details${state === 'open' ? ' open' : ''}><summary>History</summary><ol>${changes.join('')}</ol></details>
</article>`;
}
