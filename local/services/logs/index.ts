import { join } from 'node:path';
import { z } from 'zod';
import { flag, numeric, object, operation } from '../operation.ts';
import {
  AwsError,
  type LocalService,
  type Operations,
  type ResourceRequest,
  type RuntimeContext,
} from '../service.ts';
import { recordEmbeddedMetrics } from './embedded-metrics.ts';
import { compileFilter } from './filter.ts';
import { LogStore } from './store.ts';

const HOUR_MS = 3_600_000;
const MAX_EVENTS = 10_000;

const OfGroup = z.object({ logGroupName: z.string() });
const OfStream = OfGroup.extend({ logStreamName: z.string() });
/** Times of the Logs API are milliseconds. */
const range = {
  startTime: numeric.default(0),
  endTime: numeric.default(Number.MAX_SAFE_INTEGER),
  limit: numeric.default(MAX_EVENTS),
};

const GroupProperties = z.object({
  LogGroupName: z.string().optional(),
  RetentionInDays: numeric.optional(),
});
const StreamProperties = z.object({ LogGroupName: z.string(), LogStreamName: z.string().optional() });
const PolicyProperties = z.object({ PolicyName: z.string() });

/** CloudWatch Logs. `append` takes the lines of functions and state machines, with the metrics embedded in them. */
export function createLogs(
  context: RuntimeContext,
): LocalService & { append(group: string, stream: string, message: string): void } {
  const store = new LogStore(join(context.dataDir, 'logs'));
  let cancelTick: (() => void) | undefined;

  const groupArn = (name: string) => `arn:aws:logs:${context.region}:${context.account}:log-group:${name}`;
  const onGroup = ({ logGroupName }: { logGroupName: string }) => [`${groupArn(logGroupName)}:*`];
  const onStream = ({ logGroupName, logStreamName }: z.infer<typeof OfStream>) => [
    `${groupArn(logGroupName)}:log-stream:${logStreamName}`,
  ];

  function requireGroup(name: string): void {
    if (!store.groups(name).some((group) => group.name === name)) {
      throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
    }
  }

  function add(group: string, stream: string, message: string, at: number): void {
    recordEmbeddedMetrics(message, (datum) => context.metric(datum));
    store.append({ group, stream, at, message });
  }

  const operations: Operations = {
    CreateLogGroup: operation(OfGroup, {
      resources: onGroup,
      handle: ({ logGroupName }) => {
        if (store.groups(logGroupName).some(({ name }) => name === logGroupName)) {
          throw new AwsError('ResourceAlreadyExistsException', 'The specified log group already exists');
        }
        store.saveGroup(logGroupName, context.clock.now(), undefined);
        return {};
      },
    }),
    DeleteLogGroup: operation(OfGroup, {
      resources: onGroup,
      handle: ({ logGroupName }) => {
        requireGroup(logGroupName);
        store.deleteGroup(logGroupName);
        return {};
      },
    }),
    PutRetentionPolicy: operation(OfGroup.extend({ retentionInDays: numeric }), {
      resources: onGroup,
      handle: ({ logGroupName, retentionInDays }) => {
        requireGroup(logGroupName);
        store.saveGroup(logGroupName, context.clock.now(), retentionInDays);
        return {};
      },
    }),
    CreateLogStream: operation(OfStream, {
      resources: onGroup,
      handle: ({ logGroupName, logStreamName }) => {
        requireGroup(logGroupName);
        store.saveStream(logGroupName, logStreamName, context.clock.now());
        return {};
      },
    }),
    PutLogEvents: operation(
      OfStream.extend({ logEvents: z.array(z.object({ timestamp: numeric, message: z.string() })).min(1) }),
      {
        resources: onStream,
        handle: ({ logGroupName, logStreamName, logEvents }) => {
          requireGroup(logGroupName);
          for (const { message, timestamp } of logEvents)
            add(logGroupName, logStreamName, message, timestamp);
          return { nextSequenceToken: String(context.clock.now()) };
        },
      },
    ),
    DescribeLogGroups: operation(z.object({ logGroupNamePrefix: z.string().optional() }), {
      handle: ({ logGroupNamePrefix }) => ({
        logGroups: store.groups(logGroupNamePrefix).map(({ name, created, days }) => ({
          logGroupName: name,
          creationTime: created,
          ...(days !== null && { retentionInDays: days }),
          arn: `${groupArn(name)}:*`,
          logGroupArn: groupArn(name),
          storedBytes: 0,
        })),
      }),
    }),
    DescribeLogStreams: operation(
      OfGroup.extend({
        logStreamNamePrefix: z.string().optional(),
        orderBy: z.string().optional(),
        descending: flag.optional(),
        limit: numeric.default(50),
      }),
      {
        resources: onGroup,
        handle: ({ logGroupName, logStreamNamePrefix, orderBy, descending, limit }) => {
          requireGroup(logGroupName);
          const streams = store.streams(logGroupName, logStreamNamePrefix);
          if (orderBy === 'LastEventTime') streams.sort((a, b) => a.last - b.last);
          if (descending) streams.reverse();
          return {
            logStreams: streams.slice(0, limit).map(({ name, first, last }) => ({
              logStreamName: name,
              creationTime: first,
              firstEventTimestamp: first,
              lastEventTimestamp: last,
              lastIngestionTime: last,
              arn: `${groupArn(logGroupName)}:log-stream:${name}`,
            })),
          };
        },
      },
    ),
    GetLogEvents: operation(
      OfStream.extend({
        ...range,
        startFromHead: flag.default(false),
        nextToken: z
          .string()
          .regex(/^[fb]\/\d+$/)
          .optional(),
      }),
      {
        resources: onStream,
        handle: ({ logGroupName, logStreamName, startTime, endTime, limit, startFromHead, nextToken }) => {
          requireGroup(logGroupName);
          const [direction, position] = nextToken?.split('/') ?? [];
          const forward = direction === undefined ? startFromHead : direction === 'f';
          const seq = position === undefined ? (forward ? 0 : Number.MAX_SAFE_INTEGER) : Number(position);
          const rows = store.read(logGroupName, logStreamName, { seq, forward }, startTime, endTime, limit);
          return {
            events: rows.map(({ at, message }) => ({ timestamp: at, message, ingestionTime: at })),
            nextForwardToken: `f/${rows.at(-1)?.seq ?? seq}`,
            nextBackwardToken: `b/${rows[0]?.seq ?? seq}`,
          };
        },
      },
    ),
    FilterLogEvents: operation(
      OfGroup.extend({
        ...range,
        filterPattern: z.string().default(''),
        logStreamNames: z.array(z.string()).optional(),
        logStreamNamePrefix: z.string().default(''),
        nextToken: z.string().regex(/^\d+$/).default('0'),
      }),
      {
        resources: onGroup,
        handle: (input) => {
          requireGroup(input.logGroupName);
          const matches = compileFilter(input.filterPattern);
          const events = [];
          let last: number | undefined;
          for (const { seq, stream, at, message } of store.scan(
            input.logGroupName,
            input.startTime,
            input.endTime,
            Number(input.nextToken),
          )) {
            const wanted =
              input.logStreamNames?.includes(stream) ?? stream.startsWith(input.logStreamNamePrefix);
            if (!wanted || !matches(message)) continue;
            events.push({
              logStreamName: stream,
              timestamp: at,
              message,
              ingestionTime: at,
              eventId: String(seq),
            });
            if (events.length < input.limit) continue;
            last = seq;
            break;
          }
          return { events, searchedLogStreams: [], ...(last !== undefined && { nextToken: String(last) }) };
        },
      },
    ),
  };

  return {
    signingNames: ['logs'],
    iamPrefix: 'logs',
    operations,
    resources: {
      'AWS::Logs::LogGroup': ({ properties, generatedName }: ResourceRequest) => {
        const { LogGroupName = generatedName, RetentionInDays } = GroupProperties.parse(properties);
        store.saveGroup(LogGroupName, context.clock.now(), RetentionInDays);
        return { ref: LogGroupName, attributes: { Arn: `${groupArn(LogGroupName)}:*` } };
      },
      'AWS::Logs::LogStream': ({ properties, generatedName }: ResourceRequest) => {
        const { LogGroupName, LogStreamName = generatedName } = StreamProperties.parse(properties);
        store.saveStream(LogGroupName, LogStreamName, context.clock.now());
        return { ref: LogStreamName, attributes: {} };
      },
      // Deliveries to groups come from inside the runtime, which does not ask this policy.
      'AWS::Logs::ResourcePolicy': ({ properties }: ResourceRequest) => ({
        ref: PolicyProperties.parse(properties).PolicyName,
        attributes: object.parse({}),
      }),
    },
    append: (group, stream, message) => add(group, stream, message, context.clock.now()),
    start() {
      cancelTick = context.clock.after(HOUR_MS, () => {
        store.expire(context.clock.now());
        this.start?.();
      });
    },
    stop() {
      cancelTick?.();
      store.close();
    },
  };
}
