import { test } from 'node:test';
import { FILES, surviveEverything, TIMEOUT } from '../support/everything.ts';

test(
  `${FILES} files under every fault at once, the help desk down for the first half: every promise holds`,
  {
    timeout: TIMEOUT,
  },
  (t) => surviveEverything(t, { deskIsDown: true }),
);
