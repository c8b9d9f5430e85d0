import { createHash } from 'node:crypto';
import { WEBHOOK_SOURCE } from './contract.ts';
import { MOST_SHOWN, type Source } from './sources/source.ts';
import { type TakeDependencies, takeTickets } from './take.ts';

/**
 * Asks the CRM for tickets as they are now, and takes them the way of a page. One that the CRM does not show any more is
 * left to the export, which tells that it is deleted.
 * @returns tickets that were taken
 * @throws CrmUnavailable, CrmThrottled, CrmRefused
 */
export async function takeShown(
  source: Source,
  ids: readonly string[],
  dependencies: TakeDependencies,
): Promise<number> {
  if (!source.show) throw new Error(`${source.name} cannot be asked for single tickets.`);
  const wanted = [...new Set(ids)].sort();
  let taken = 0;
  for (let from = 0; from < wanted.length; from += MOST_SHOWN) {
    const { body, changedAt, tickets } = await source.show(wanted.slice(from, from + MOST_SHOWN));
    if (changedAt === undefined) continue;
    await takeTickets(
      {
        source: WEBHOOK_SOURCE,
        // Whatever is asked twice and answered the same is one page.
        identity: createHash('sha256').update(body).digest('hex'),
        // Of two rows of the same version the one that landed later counts. The export, which leaves out the last minute,
        // has the final one; so this one landed when the ticket was changed.
        receivedAt: changedAt,
        format: source.format,
        body,
        tickets,
      },
      dependencies,
    );
    taken += tickets;
  }
  return taken;
}
