import { AwsError, type Operations, type RuntimeContext, type Shape } from '../service.ts';
import { arnParts } from './arns.ts';
import type { Executions } from './executions.ts';
import { eventWithoutData, historyOf } from './history.ts';
import { optionalText, pageOf, paginate, seconds, text } from './input.ts';
import type { Machines } from './machines.ts';
import { describeMapRun, listedMapRun } from './map-runs.ts';
import { redrivability } from './redrive.ts';
import type { ExecutionRow, MachineType, Store } from './store.ts';

const named = (member: string) => (input: Shape) => [text(input, member)];

/** Operations on executions and Map Runs. */
export function executionOperations(
  runtime: RuntimeContext,
  store: Store,
  machines: Machines,
  executions: Executions,
): Operations {
  const executionOf = (input: Shape) => {
    const arn = arnParts(input.executionArn, 'execution|express').join(':');
    if (arn.split(':')[5] === 'express')
      throw new AwsError(
        'InvalidArn',
        'Invalid Arn: the operation is not supported by this type of state machine',
      );
    return executions.get(arn);
  };
  const revisionOf = (input: Shape) =>
    machines.revision(machines.get(arnParts(input.stateMachineArn, 'stateMachine').join(':')).revision);
  const mapRunArn = (input: Shape) => arnParts(input.mapRunArn, 'mapRun').join(':');

  const describe = (row: ExecutionRow): Shape => ({
    executionArn: row.arn,
    stateMachineArn: row.machineArn,
    name: row.name,
    status: row.status,
    startDate: seconds(row.startDate),
    ...(row.stopDate !== undefined && { stopDate: seconds(row.stopDate) }),
    input: row.input,
    inputDetails: { included: true },
    ...(row.output !== undefined && { output: row.output, outputDetails: { included: true } }),
    ...(row.error !== undefined && { error: row.error }),
    ...(row.cause !== undefined && { cause: row.cause }),
    ...(row.mapRunArn !== undefined && { mapRunArn: row.mapRunArn }),
    redriveCount: row.redriveCount,
    ...(row.redriveDate !== undefined && { redriveDate: seconds(row.redriveDate) }),
    ...redrivability(row, runtime.clock.now()),
  });

  const listed = (row: ExecutionRow): Shape => ({
    executionArn: row.arn,
    stateMachineArn: row.machineArn,
    name: row.name,
    status: row.status,
    startDate: seconds(row.startDate),
    ...(row.stopDate !== undefined && { stopDate: seconds(row.stopDate) }),
    ...(row.mapRunArn !== undefined && { mapRunArn: row.mapRunArn, itemCount: 1 }),
    redriveCount: row.redriveCount,
    ...(row.redriveDate !== undefined && { redriveDate: seconds(row.redriveDate) }),
  });

  const ofToken = (input: Shape) => [executions.tokens.machineOf(text(input, 'taskToken'))];

  const ofType = (input: Shape, type: MachineType) => {
    const revision = revisionOf(input);
    if (revision.type === type) return revision;
    throw new AwsError(
      'StateMachineTypeNotSupported',
      'This operation is not supported by this type of state machine',
    );
  };

  return {
    StartExecution: {
      resources: named('stateMachineArn'),
      async handle(input) {
        const row = executions.start(revisionOf(input), {
          name: optionalText(input, 'name'),
          input: optionalText(input, 'input') ?? '{}',
        });
        await store.committed();
        return { executionArn: row.arn, startDate: seconds(row.startDate) };
      },
    },
    StartSyncExecution: {
      resources: named('stateMachineArn'),
      async handle(input) {
        const revision = ofType(input, 'EXPRESS');
        const row = executions.start(revision, {
          name: optionalText(input, 'name'),
          input: optionalText(input, 'input') ?? '{}',
        });
        await executions.running(row.arn)?.done;
        const { status, stopDate = row.startDate, output, error, cause } = row;
        const billed = Math.max(100, Math.ceil((stopDate - row.startDate) / 100) * 100);
        return {
          executionArn: row.arn,
          stateMachineArn: row.machineArn,
          name: row.name,
          startDate: seconds(row.startDate),
          stopDate: seconds(stopDate),
          status,
          ...(error !== undefined && { error }),
          ...(cause !== undefined && { cause }),
          input: row.input,
          inputDetails: { included: true },
          ...(output !== undefined && { output, outputDetails: { included: true } }),
          billingDetails: { billedMemoryUsedInMB: 64, billedDurationInMilliseconds: billed },
        };
      },
    },
    DescribeExecution: {
      resources: named('executionArn'),
      handle: (input) => describe(executionOf(input)),
    },
    ListExecutions: {
      resources: (input) => [text(input, input.mapRunArn ? 'mapRunArn' : 'stateMachineArn')],
      handle(input) {
        const page = pageOf(input);
        const status = optionalText(input, 'statusFilter') ?? null;
        const redrive = optionalText(input, 'redriveFilter') ?? null;
        const byMapRun = input.mapRunArn !== undefined;
        if (byMapRun === (input.stateMachineArn !== undefined))
          throw new AwsError(
            'ValidationException',
            'Exactly one of stateMachineArn and mapRunArn must be given',
          );
        if (!byMapRun) ofType(input, 'STANDARD');
        const key = byMapRun ? executions.mapRuns.get(mapRunArn(input)).arn : text(input, 'stateMachineArn');
        const rows = store.bodies<ExecutionRow>(
          `SELECT body FROM executions WHERE ${byMapRun ? 'map_run' : 'machine'} = ?1 AND seq < ?2
             AND (?3 IS NULL OR status = ?3)
             AND (?4 IS NULL OR (?4 = 'REDRIVEN') = (redrives > 0))
           ORDER BY seq DESC LIMIT ?5`,
          key,
          Number(page.from ?? Number.MAX_SAFE_INTEGER),
          status,
          redrive,
          page.size + 1,
        );
        const { items, nextToken } = paginate(rows, page, (row) => row.seq);
        return { executions: items.map(listed), ...(nextToken && { nextToken }) };
      },
    },
    GetExecutionHistory: {
      resources: named('executionArn'),
      handle(input) {
        const row = executionOf(input);
        const page = pageOf(input);
        const events = historyOf(store, row.seq);
        if (input.reverseOrder === true) events.reverse();
        const from = Number(page.from ?? 0);
        const { items, nextToken } = paginate(
          events.slice(from, from + page.size + 1),
          page,
          () => from + page.size,
        );
        return {
          events: input.includeExecutionData === false ? items.map(eventWithoutData) : items,
          ...(nextToken && { nextToken }),
        };
      },
    },
    StopExecution: {
      resources: named('executionArn'),
      async handle(input) {
        const row = executionOf(input);
        const running = executions.running(row.arn);
        running?.stop(optionalText(input, 'error'), optionalText(input, 'cause'));
        await running?.done;
        await store.committed();
        return { stopDate: seconds((running?.row ?? row).stopDate ?? runtime.clock.now()) };
      },
    },
    RedriveExecution: {
      resources: named('executionArn'),
      async handle(input) {
        const redriveDate = executions.redrive(executionOf(input).arn);
        await store.committed();
        return { redriveDate: seconds(redriveDate) };
      },
    },
    DescribeMapRun: {
      resources: named('mapRunArn'),
      handle: (input) => describeMapRun(executions.mapRuns.get(mapRunArn(input))),
    },
    ListMapRuns: {
      resources: named('executionArn'),
      handle(input) {
        const page = pageOf(input);
        const from = Number(page.from ?? 0);
        const rows = executions.mapRuns.list(executionOf(input).arn).slice(from, from + page.size + 1);
        const { items, nextToken } = paginate(rows, page, () => from + page.size);
        return { mapRuns: items.map(listedMapRun), ...(nextToken && { nextToken }) };
      },
    },
    UpdateMapRun: {
      resources: named('mapRunArn'),
      async handle(input) {
        const row = executions.mapRuns.get(mapRunArn(input));
        for (const limit of [
          'maxConcurrency',
          'toleratedFailureCount',
          'toleratedFailurePercentage',
        ] as const)
          if (input[limit] !== undefined) row.limits[limit] = Number(input[limit]);
        executions.mapRuns.save(row);
        await store.committed();
        return {};
      },
    },
    SendTaskSuccess: {
      resources: ofToken,
      async handle(input) {
        const output = text(input, 'output');
        try {
          JSON.parse(output);
        } catch {
          throw new AwsError('InvalidOutput', `Invalid Output: 'Invalid JSON: ${output.slice(0, 100)}'`);
        }
        await executions.tokens.answer(text(input, 'taskToken'), { output });
        return {};
      },
    },
    SendTaskFailure: {
      resources: ofToken,
      async handle(input) {
        const error = optionalText(input, 'error');
        const cause = optionalText(input, 'cause');
        await executions.tokens.answer(text(input, 'taskToken'), {
          ...(error !== undefined && { error }),
          ...(cause !== undefined && { cause }),
        });
        return {};
      },
    },
    SendTaskHeartbeat: {
      resources: ofToken,
      handle(input) {
        executions.tokens.heartbeat(text(input, 'taskToken'));
        return {};
      },
    },
  };
}
