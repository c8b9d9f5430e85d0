import { audit } from './audit.ts';
import { backfill } from './backfill.ts';
import type { Command } from './command.ts';
import { datasets } from './datasets.ts';
import { reject, release } from './decide.ts';
import { drop } from './drop.ts';
import { query } from './query.ts';
import { reconcile } from './reconcile.ts';
import { redrive } from './redrive.ts';
import { runs } from './runs.ts';
import { status } from './status.ts';
import { tickets } from './tickets.ts';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  status,
  audit,
  runs,
  drop,
  query,
  datasets,
  tickets,
  redrive,
  release,
  reject,
  backfill,
  reconcile,
];

export const HELP = `npx millrace COMMAND [options]

Looks after a Millrace deployment: on this machine when "npm start" runs, else in AWS with the usual credentials.
Which of them it is stands in the first line on standard error.

Commands
${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join('\n')}

npx millrace COMMAND --help tells the options of a command.

Exit status
  0    done, and all is well
  1    done, and something is not well: a file failed, a ticket does not exist
  2    the command line is wrong
  3    nothing could be done: no credentials, no such stack, nothing answers
  130  interrupted
`;
