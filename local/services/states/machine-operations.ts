import { z } from 'zod';
import { validateDefinition } from '../../asl/validate.ts';
import { AwsError, type Operations, type RuntimeContext, type Shape } from '../service.ts';
import { arnMaker, arnParts, checkName } from './arns.ts';
import type { Executions } from './executions.ts';
import { optionalText, pageOf, paginate, seconds, text } from './input.ts';
import { type Machines, NO_LOGGING } from './machines.ts';
import type { LoggingConfiguration, MachineRow, Revision, Store } from './store.ts';

const Logging = z.object({
  level: z.enum(['ALL', 'ERROR', 'FATAL', 'OFF']).default('OFF'),
  includeExecutionData: z.boolean().default(false),
  destinations: z
    .array(z.object({ cloudWatchLogsLogGroup: z.object({ logGroupArn: z.string() }) }))
    .default([]),
});
const Tags = z.array(z.object({ key: z.string(), value: z.string() }));

function logging(value: unknown): LoggingConfiguration {
  const parsed = Logging.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AwsError('InvalidLoggingConfiguration', z.prettifyError(parsed.error));
}

const tagged = (value: unknown): Record<string, string> =>
  Object.fromEntries(Tags.parse(value ?? []).map((tag) => [tag.key, tag.value]));

const describe = (machine: MachineRow, revision: Revision, includeDefinition: boolean): Shape => ({
  stateMachineArn: machine.arn,
  name: machine.name,
  status: 'ACTIVE',
  ...(includeDefinition && { definition: revision.definition }),
  roleArn: revision.roleArn,
  type: revision.type,
  creationDate: seconds(machine.creationDate),
  loggingConfiguration: revision.logging,
  tracingConfiguration: { enabled: machine.tracing },
  encryptionConfiguration: { type: 'AWS_OWNED_KEY' },
  revisionId: revision.id,
});

const named = (member: string) => (input: Shape) => [text(input, member)];

/** Operations on state machines. */
export function machineOperations(
  runtime: RuntimeContext,
  store: Store,
  machines: Machines,
  executions: Executions,
): Operations {
  const arns = arnMaker(runtime.region, runtime.account);
  const tracing = (input: Shape, otherwise: boolean) =>
    z.object({ enabled: z.boolean().default(otherwise) }).parse(input.tracingConfiguration ?? {}).enabled;
  const machineOf = (input: Shape, member = 'stateMachineArn') =>
    machines.get(arnParts(input[member], 'stateMachine').join(':'));

  return {
    CreateStateMachine: {
      resources: (input) => [arns.machine(text(input, 'name'))],
      async handle(input) {
        const name = checkName(text(input, 'name'));
        const arn = arns.machine(name);
        const type = optionalText(input, 'type') ?? 'STANDARD';
        if (type !== 'STANDARD' && type !== 'EXPRESS')
          throw new AwsError('ValidationException', `Unknown type: '${type}'`);
        const settings = {
          name,
          type,
          roleArn: text(input, 'roleArn'),
          definition: text(input, 'definition'),
          logging: input.loggingConfiguration ? logging(input.loggingConfiguration) : NO_LOGGING,
          tracing: tracing(input, false),
          tags: tagged(input.tags),
        } as const;
        const former = machines.find(arn);
        const same = former && machines.revision(former.revision);
        if (
          same &&
          (same.definition !== settings.definition || same.roleArn !== settings.roleArn || same.type !== type)
        )
          throw new AwsError('StateMachineAlreadyExists', `State Machine Already Exists: '${arn}'`);
        const row = former ?? machines.put(arn, settings, runtime.clock.now());
        await store.committed();
        return { stateMachineArn: arn, creationDate: seconds(row.creationDate) };
      },
    },
    UpdateStateMachine: {
      resources: named('stateMachineArn'),
      async handle(input) {
        const machine = machineOf(input);
        const before = machines.revision(machine.revision);
        const now = runtime.clock.now();
        const row = machines.put(
          machine.arn,
          {
            name: machine.name,
            type: before.type,
            roleArn: optionalText(input, 'roleArn') ?? before.roleArn,
            definition: optionalText(input, 'definition') ?? before.definition,
            logging: input.loggingConfiguration ? logging(input.loggingConfiguration) : before.logging,
            tracing: tracing(input, machine.tracing),
            tags: machine.tags,
          },
          now,
        );
        await store.committed();
        return { updateDate: seconds(now), revisionId: row.revision };
      },
    },
    DescribeStateMachine: {
      resources: named('stateMachineArn'),
      handle(input) {
        const machine = machineOf(input);
        return describe(machine, machines.revision(machine.revision), input.includedData !== 'METADATA_ONLY');
      },
    },
    DescribeStateMachineForExecution: {
      resources: named('executionArn'),
      handle(input) {
        const row = executions.get(arnParts(input.executionArn, 'execution').join(':'));
        const revision = machines.revision(row.revision);
        return {
          stateMachineArn: revision.machineArn,
          name: revision.name,
          definition: revision.definition,
          roleArn: revision.roleArn,
          updateDate: seconds(revision.updateDate),
          loggingConfiguration: revision.logging,
          tracingConfiguration: { enabled: machines.find(revision.machineArn)?.tracing ?? false },
          ...(row.mapRunArn && { mapRunArn: row.mapRunArn, label: row.machineArn.split('/').at(-1) }),
          revisionId: revision.id,
        };
      },
    },
    ListStateMachines: {
      handle(input) {
        const page = pageOf(input);
        const from = Number(page.from ?? 0);
        const rows = machines.list().slice(from, from + page.size + 1);
        const { items, nextToken } = paginate(rows, page, () => from + page.size);
        return {
          stateMachines: items.map((machine) => ({
            stateMachineArn: machine.arn,
            name: machine.name,
            type: machines.revision(machine.revision).type,
            creationDate: seconds(machine.creationDate),
          })),
          ...(nextToken && { nextToken }),
        };
      },
    },
    DeleteStateMachine: {
      resources: named('stateMachineArn'),
      async handle(input) {
        machines.delete(arnParts(input.stateMachineArn, 'stateMachine').join(':'));
        await store.committed();
        return {};
      },
    },
    ValidateStateMachineDefinition: {
      handle(input) {
        const diagnostics = validateDefinition(text(input, 'definition')).map((problem) => {
          const [location, ...message] = problem.split(': ');
          return message.length
            ? { severity: 'ERROR', code: 'SCHEMA_VALIDATION_FAILED', message: message.join(': '), location }
            : { severity: 'ERROR', code: 'SCHEMA_VALIDATION_FAILED', message: problem };
        });
        return { result: diagnostics.length ? 'FAIL' : 'OK', diagnostics, truncated: false };
      },
    },
    TagResource: {
      resources: named('resourceArn'),
      async handle(input) {
        const machine = machineOf(input, 'resourceArn');
        machines.tag(machine.arn, { ...machine.tags, ...tagged(input.tags) });
        await store.committed();
        return {};
      },
    },
    UntagResource: {
      resources: named('resourceArn'),
      async handle(input) {
        const machine = machineOf(input, 'resourceArn');
        const gone = new Set(z.array(z.string()).parse(input.tagKeys));
        machines.tag(
          machine.arn,
          Object.fromEntries(Object.entries(machine.tags).filter(([key]) => !gone.has(key))),
        );
        await store.committed();
        return {};
      },
    },
    ListTagsForResource: {
      resources: named('resourceArn'),
      handle: (input) => ({
        tags: Object.entries(machineOf(input, 'resourceArn').tags).map(([key, value]) => ({ key, value })),
      }),
    },
  };
}
