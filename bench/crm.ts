import { World } from '../test/support/crm-world.ts';
import type { Section } from './section.ts';

const REQUESTS = 600;
/** What Zendesk's export allows in a minute, and how many tickets it puts on a page. */
const ALLOWED = 10;
const PER_PAGE = 1_000;

/**
 * Tickets in a minute against what the CRM's rate limit allows. An hour of it: time is not waited for but moved on, by a
 * second for each request and its states, and by what each is told to wait.
 */
export const crm: Section = async ({ say }) => {
  say(`crm: ${REQUESTS} pages of ${PER_PAGE} tickets, in moved time`);
  const world = new World();
  const began = world.at;
  await world.send(REQUESTS);
  const perMinute = REQUESTS / ((world.at - began) / 60_000);
  return {
    figures: [
      { what: 'tickets fetched, first export', value: perMinute * PER_PAGE, unit: 'a minute' },
      {
        what: 'share of what the rate limit allows',
        value: (100 * perMinute) / ALLOWED,
        unit: '%',
        aim: 95,
        more: 'better',
      },
    ],
  };
};
