import { test } from 'node:test';
import { FILES, surviveEverything, TIMEOUT } from '../support/everything.ts';

test(
  `${FILES} files under every fault at once: after the repair every promise holds`,
  { timeout: TIMEOUT },
  (t) => surviveEverything(t, { deskIsDown: false }),
);
