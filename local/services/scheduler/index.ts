import { join } from 'node:path';
import { z } from 'zod';
import { Outbox } from '../events/outbox.ts';
import { JsonFile } from '../json-file.ts';
import { operation } from '../operation.ts';
import {
  AwsError,
  type HttpRequest,
  type HttpResponse,
  type LocalService,
  type Operation,
  type ResourceRequest,
  type RuntimeContext,
  type Shape,
} from '../service.ts';
import { RunningSchedule, ScheduleSettings } from './schedules.ts';

const OfSchedule = z.object({ Name: z.string(), GroupName: z.string().default('default') });
const GroupProperties = z.object({ Name: z.string().optional() });

/** EventBridge Scheduler. */
export function createScheduler(context: RuntimeContext): LocalService {
  const outbox = new Outbox(context, 'scheduler');
  const file = new JsonFile(join(context.dataDir, 'scheduler', 'schedules.json'), z.array(ScheduleSettings));
  const running = new Map<string, RunningSchedule>();
  /** Made by API calls, so kept in the file; those of the template come back with it. */
  const kept = new Map<string, ScheduleSettings>();
  const groups = new Set(['default']);

  const keyOf = ({ Name, GroupName }: { Name: string; GroupName: string }) => `${GroupName}/${Name}`;
  const arnOf = (schedule: { Name: string; GroupName: string }) =>
    `arn:aws:scheduler:${context.region}:${context.account}:schedule/${keyOf(schedule)}`;
  const onSchedule = (schedule: { Name: string; GroupName: string }) => [arnOf(schedule)];
  const save = () => file.write([...kept.values()]);

  function run(settings: ScheduleSettings): RunningSchedule {
    if (!groups.has(settings.GroupName)) {
      throw new AwsError(
        'ResourceNotFoundException',
        `Schedule group ${settings.GroupName} does not exist.`,
        { status: 404 },
      );
    }
    const key = keyOf(settings);
    running.get(key)?.stop();
    const over = () => {
      if (settings.ActionAfterCompletion === 'DELETE') remove(key);
    };
    const schedule = new RunningSchedule(settings, context, outbox, over);
    running.set(key, schedule);
    return schedule;
  }

  function remove(key: string): void {
    running.get(key)?.stop();
    running.delete(key);
    if (kept.delete(key)) save();
  }

  function find(schedule: { Name: string; GroupName: string }): RunningSchedule {
    const found = running.get(keyOf(schedule));
    if (!found)
      throw new AwsError('ResourceNotFoundException', `Schedule ${schedule.Name} does not exist.`, {
        status: 404,
      });
    return found;
  }

  function keep(settings: ScheduleSettings): Shape {
    const { arn } = run(settings);
    kept.set(keyOf(settings), settings);
    save();
    return { ScheduleArn: arn };
  }

  const operations: Record<string, Operation> = {
    CreateSchedule: operation(ScheduleSettings, {
      resources: onSchedule,
      handle: (settings) => {
        if (running.has(keyOf(settings))) {
          throw new AwsError('ConflictException', `Schedule ${settings.Name} already exists.`, {
            status: 409,
          });
        }
        return keep(settings);
      },
    }),
    UpdateSchedule: operation(ScheduleSettings, {
      resources: onSchedule,
      handle: (settings) => {
        find(settings);
        return keep(settings);
      },
    }),
    GetSchedule: operation(OfSchedule, {
      resources: onSchedule,
      handle: (schedule) => {
        const { settings, arn } = find(schedule);
        return { ...settings, Arn: arn };
      },
    }),
    DeleteSchedule: operation(OfSchedule, {
      resources: onSchedule,
      handle: (schedule) => {
        find(schedule);
        remove(keyOf(schedule));
        return {};
      },
    }),
    ListSchedules: operation(
      z.object({ GroupName: z.string().optional(), NamePrefix: z.string().default('') }),
      {
        handle: ({ GroupName, NamePrefix }) => ({
          Schedules: [...running.values()]
            .filter(({ settings }) => GroupName === undefined || settings.GroupName === GroupName)
            .filter(({ settings }) => settings.Name.startsWith(NamePrefix))
            .map(({ arn, settings: { Name, GroupName: group, State, Target } }) => ({
              Arn: arn,
              Name,
              GroupName: group,
              State,
              Target: { Arn: Target.Arn },
            })),
        }),
      },
    ),
  };

  /** The REST face: `/schedules` lists, `/schedules/{Name}` is one. */
  async function http({ method, path, query, body, caller }: HttpRequest): Promise<HttpResponse> {
    const [, root, name] = path.split('/');
    const actions: Record<string, string> = {
      POST: 'CreateSchedule',
      PUT: 'UpdateSchedule',
      GET: name ? 'GetSchedule' : 'ListSchedules',
      DELETE: 'DeleteSchedule',
    };
    const action = actions[method] ?? '';
    const found = operations[action];
    if (root !== 'schedules' || !found) {
      throw new AwsError('UnknownOperationException', `scheduler ${method} ${path} has no local stand-in.`, {
        status: 404,
      });
    }
    const input: Shape = {
      ...(body.length > 0 && JSON.parse(body.toString())),
      ...(name && { Name: decodeURIComponent(name) }),
      ...(query.has('groupName') && { GroupName: query.get('groupName') }),
      ...(query.has('ScheduleGroup') && { GroupName: query.get('ScheduleGroup') }),
      ...(query.has('NamePrefix') && { NamePrefix: query.get('NamePrefix') }),
    };
    for (const resource of found.resources?.(input) ?? ['*']) {
      context.authorize({ caller, action: `scheduler:${action}`, resource });
    }
    const output = await found.handle(input, { caller });
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(output) };
  }

  return {
    signingNames: ['scheduler'],
    iamPrefix: 'scheduler',
    operations,
    http,
    resources: {
      'AWS::Scheduler::Schedule': ({ properties, generatedName }: ResourceRequest) => {
        const settings = ScheduleSettings.parse({ Name: generatedName.slice(-64), ...properties });
        return { ref: settings.Name, attributes: { Arn: run(settings).arn } };
      },
      'AWS::Scheduler::ScheduleGroup': ({ properties, generatedName }: ResourceRequest) => {
        const { Name = generatedName.slice(-64) } = GroupProperties.parse(properties);
        groups.add(Name);
        const Arn = `arn:aws:scheduler:${context.region}:${context.account}:schedule-group/${Name}`;
        return { ref: Name, attributes: { Arn, State: 'ACTIVE' } };
      },
    },
    start() {
      for (const settings of file.read() ?? []) {
        if (running.has(keyOf(settings)) || !groups.has(settings.GroupName)) continue;
        kept.set(keyOf(settings), settings);
        run(settings);
      }
      outbox.start();
    },
    stop() {
      for (const schedule of running.values()) schedule.stop();
      outbox.stop();
    },
    close() {
      outbox.close();
    },
  };
}
