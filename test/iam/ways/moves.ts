import { ListExecutionsCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import type { RuleInput } from '../../../local/faults/rules.ts';
import type { Shape } from '../../../local/services/service.ts';
import { newId, type Stage } from '../stage.ts';

/**
 * Does the smallest thing that takes some permissions; answers what a person sees of how it went.
 * @param refusal what it may stop at
 */
export type Way = (refusal: RegExp) => Promise<string>;

/** Ways by the beginning of the names of the grants that they take; the first that fits counts. */
export type Ways = Readonly<Record<string, readonly Way[]>>;

/** Messages within messages escape their quotes. */
export const plain = (text: string): string => text.replaceAll('\\', '');

/** An execution of crm-tickets that nobody knows. */
export const executionOf = ({ test }: Stage): string =>
  `${test.deployment.output('CrmTicketsStateMachineArn').replace(':stateMachine:', ':execution:')}:${newId()}`;

const TOLD = /Failed|TimedOut|ExecutionSucceeded/;

/** What ways are made of. */
export function movesOf(stage: Stage) {
  const { account } = stage;
  const { faults } = stage.test.runtime;

  /** What an execution, and the children of its Map Runs, say of failures and of the end. */
  const told = async (executionArn: string): Promise<string> => {
    const events = await account.history(executionArn);
    const runs = events.flatMap(({ mapRunStartedEventDetails: run }) => run?.mapRunArn ?? []);
    const children = await Promise.all(
      runs.map(async (mapRunArn) => {
        const { executions = [] } = await account.sfn.send(new ListExecutionsCommand({ mapRunArn }));
        return Promise.all(executions.map((child) => told(child.executionArn ?? '')));
      }),
    );
    return [JSON.stringify(events.filter(({ type = '' }) => TOLD.test(type))), ...children.flat()].join('\n');
  };

  /** Follows an execution until it is refused something or ends. */
  const follow = async (executionArn: string, refusal: RegExp): Promise<string> => {
    let seen = '';
    await stage.follow(executionArn, async () => {
      seen = await told(executionArn);
      return refusal.test(plain(seen));
    });
    await account.sfn.send(new StopExecutionCommand({ executionArn })).catch(() => {});
    return seen;
  };

  const disturbed =
    (rule: RuleInput, way: Way): Way =>
    async (refusal) => {
      faults.set([rule]);
      return way(refusal).finally(() => faults.clear());
    };

  return {
    follow,
    /** Invokes a function. */
    invoke:
      (path: string, event: () => Shape | Promise<Shape>): Way =>
      async () =>
        stage.invoke(path, await event()),
    /** Runs an execution. */
    run:
      (pipeline: string, input: Shape, name?: () => string): Way =>
      async (refusal) =>
        follow(await stage.start(pipeline, input, name?.()), refusal),
    /** Does something while a service takes no more requests. */
    throttled: (service: string, way: Way): Way => disturbed({ fault: 'throttled', service }, way),
    /** Does something while a service knows of nothing. */
    lost: (service: string, way: Way): Way =>
      disturbed({ fault: 'failing', service, error: { code: 'ResourceNotFoundException' } }, way),
  };
}
