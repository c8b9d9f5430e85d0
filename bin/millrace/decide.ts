import { userInfo } from 'node:os';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { Decision } from '../../lambdas/shared/contract.ts';
import { type AuditItem, AuditReader, isCurrent } from './audit-table.ts';
import { type Command, type Context, command } from './command.ts';
import { EXIT, explain, NotFound, WrongUsage } from './errors.ts';
import { isAudited, machineOf } from './executions.ts';
import { confirm, exitOf, json, note, Progress, say } from './io.ts';
import { inLanes, Pace } from './pace.ts';
import { followToEnd } from './redrive/follow.ts';
import { inputOf, startRun } from './redrive/rerun.ts';
import { type Column, counted, shortened, table } from './table.ts';
import { DAY_MS, shownTime } from './time.ts';

const LANES = 8;
/** Runs started in a second: StartExecution refills at 300, and intake needs it too. */
const RATE = 20;
/** How far back `--all` looks: as long as anybody may have forgotten a file. */
const LONGEST_MS = 400 * DAY_MS;

/** What became of a decision. */
interface Decided {
  readonly file: AuditItem;
  readonly name?: string;
  readonly executionArn?: string;
  /** Somebody else has decided about it meanwhile. */
  readonly isElsewhere?: boolean;
  readonly problem?: string;
  readonly outcome?: string;
}

const costOf = ({ Result }: AuditItem): number | undefined => {
  const cost = Result?.costIfReleasedUsd;
  return typeof cost === 'number' ? cost : undefined;
};

const COLUMNS: readonly Column<AuditItem>[] = [
  { title: 'File', of: ({ FileName }) => shortened(FileName, 60) },
  { title: 'Held since (UTC)', of: ({ Timestamp }) => shownTime(Timestamp) },
  {
    title: 'Pages',
    right: true,
    of: ({ Result }) => (typeof Result?.pages === 'number' ? Result.pages : ''),
  },
  {
    title: 'Cost',
    right: true,
    of: (file) => (costOf(file) === undefined ? '' : `$${costOf(file)?.toFixed(2)}`),
  },
  { title: 'Id', of: ({ pk }) => pk },
  { title: 'Reason', of: ({ Reason }) => shortened(Reason?.message ?? '', 120) },
];

const RESULT_COLUMNS: readonly Column<Decided>[] = [
  { title: 'File', of: ({ file }) => shortened(file.FileName, 60) },
  { title: 'Run', of: ({ name }) => name },
  {
    title: 'Outcome',
    of: ({ outcome, isElsewhere }) => outcome ?? (isElsewhere ? 'decided by somebody else' : ''),
  },
  { title: 'Problem', of: ({ problem }) => problem },
];

const WORDS = {
  release: {
    summary: 'let files that are held go on, at their cost',
    about:
      'Lets files that wait for a person go on: each is run again, and the limit of costs does not hold it.',
    verb: 'Release',
  },
  reject: {
    summary: 'refuse files that are held',
    about:
      'Refuses files that wait for a person: each ends REJECTED, with a copy and the reason in quarantine.',
    verb: 'Reject',
  },
} as const satisfies Record<Decision['action'], unknown>;

export const release = decision('release');
export const reject = decision('reject');

function decision(action: Decision['action']): Command {
  const { summary, about, verb } = WORDS[action];
  return command({
    name: action,
    summary,
    operands: { shown: 'FILE…', least: 0, most: Number.POSITIVE_INFINITY },
    about: `${about}

A FILE is named by its id or its name, with or without documents/. Shows what would be done and its cost; --yes does it
and follows the files to their outcome. The decision, who made it and the comment are in the input of the run.`,
    options: {
      all: { type: 'flag', about: 'every file that is held' },
      comment: { type: 'text', value: 'TEXT', about: 'why, for those who ask later' },
      yes: { type: 'flag', about: 'do it' },
      'no-wait': { type: 'flag', about: 'do not follow the files to their outcome' },
    },
    examples: [`${action} documents/atlas.pdf`, `${action} --all --yes --comment "agreed with finance"`],
    async run(context, values, names) {
      const { io, deployment } = context;
      if (values.all === names.length > 0)
        throw new WrongUsage(`Name files, or give --all. See millrace ${action} --help.`);
      const reader = new AuditReader(deployment);
      const held = values.all ? await allHeld(reader) : await heldNamed(reader, names);
      if (held.length === 0) {
        if (context.json) json(io, { dryRun: true, files: [] });
        else note(io, 'No file is held.');
        return EXIT.done;
      }
      const total = held.reduce((sum, file) => sum + (costOf(file) ?? 0), 0);
      if (!context.json) {
        say(io, table(held, COLUMNS, io.stdout.columns));
        say(
          io,
          `\n${counted(held.length, 'file')}, estimated cost $${total.toFixed(2)}${action === 'reject' ? ' saved' : ''}`,
        );
      }
      const question = `${verb} ${counted(held.length, 'file')}?`;
      if (!(await confirm(io, question, { yes: values.yes, json: context.json }))) {
        if (context.json)
          json(
            io,
            summaryOf(
              true,
              held.map((file) => ({ file })),
            ),
          );
        return EXIT.done;
      }
      const made: Decision = {
        action,
        by: await whoAmI(context),
        ...(values.comment && { comment: values.comment }),
      };
      const decided = await carryOut(context, reader, held, made, values['no-wait']);
      if (context.json) json(io, summaryOf(false, decided));
      else say(io, `\n${table(decided, RESULT_COLUMNS, io.stdout.columns)}`);
      const isBad = ({ problem, outcome }: Decided) =>
        problem !== undefined || outcome === 'FAILED' || outcome === 'HELD';
      return exitOf(io, !decided.some(isBad));
    },
  });
}

const allHeld = (reader: AuditReader) =>
  reader.find({ statuses: ['HELD'], from: Date.now() - LONGEST_MS, to: Date.now() + 60_000 });

/** @throws NotFound when one is not there, or is not held */
async function heldNamed(reader: AuditReader, names: readonly string[]): Promise<AuditItem[]> {
  const held: AuditItem[] = [];
  for (const name of names) {
    const found = isAudited(name)
      ? [...(await reader.current([name])).values()]
      : (await Promise.all([name, `documents/${name}`].map((key) => reader.byFileName(key))))
          .flat()
          .filter(isCurrent);
    const waiting = found.filter(({ Status }) => Status === 'HELD');
    if (waiting.length === 0) {
      const [other] = found;
      throw new NotFound(
        other
          ? `${other.FileName} is ${other.Status}, and so not held.`
          : `The audit table knows no file ${name}.`,
      );
    }
    held.push(...waiting);
  }
  return [...new Map(held.map((item) => [item.pk, item])).values()];
}

async function whoAmI({ deployment }: Context): Promise<string> {
  const { Arn } = await deployment.sts.send(new GetCallerIdentityCommand({}));
  return Arn ?? userInfo().username;
}

async function carryOut(
  { io, deployment }: Context,
  reader: AuditReader,
  held: readonly AuditItem[],
  made: Decision,
  isBrief: boolean,
): Promise<Decided[]> {
  const decided: Decided[] = [];
  const pace = new Pace(RATE);
  const progress = new Progress(io);
  await inLanes(
    held,
    LANES,
    async (file) => {
      await pace.turn(io.signal);
      decided.push(await decideOne({ deployment }, reader, file, made));
      progress.show(`${decided.length} of ${held.length} begun`);
    },
    io.signal,
  );
  if (isBrief) return decided;
  const outcomes = await followToEnd(
    deployment,
    reader,
    decided
      .filter(({ problem }) => problem === undefined)
      .map(({ file, executionArn }) => ({ base: file.pk, before: file.EventId, executionArn })),
    io,
    progress,
  );
  return decided.map((one) => {
    const outcome = outcomes.get(one.file.pk);
    return outcome ? { ...one, outcome } : one;
  });
}

/** Starts the file's next run, if nobody has meanwhile: its name says which run it is, and there is one of each name. */
async function decideOne(
  { deployment }: Pick<Context, 'deployment'>,
  reader: AuditReader,
  file: AuditItem,
  made: Decision,
): Promise<Decided> {
  try {
    const now = (await reader.current([file.pk])).get(file.pk);
    if (now?.EventId !== file.EventId) return { file, isElsewhere: true };
    const { isNew, name, executionArn } = await startRun(deployment.sfn, {
      machineArn: machineOf(file.ExecutionArn ?? ''),
      base: file.pk,
      attempt: (file.Attempt ?? 1) + 1,
      input: inputOf(file, made),
    });
    return { file, name, executionArn, isElsewhere: !isNew };
  } catch (error) {
    return { file, problem: explain(error).message };
  }
}

function summaryOf(dryRun: boolean, decided: readonly Decided[]) {
  return {
    dryRun,
    files: decided.map(({ file, name, executionArn, isElsewhere, problem, outcome }) => ({
      id: file.pk,
      fileName: file.FileName,
      heldSince: file.Timestamp,
      estimatedCostUsd: costOf(file) ?? null,
      reason: file.Reason ?? null,
      run: name ?? null,
      executionArn: executionArn ?? null,
      decidedBySomebodyElse: isElsewhere ?? null,
      outcome: outcome ?? null,
      problem: problem ?? null,
    })),
  };
}
