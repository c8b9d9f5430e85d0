import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { instant, object, operation } from '../operation.ts';
import { AwsError, type Operations, type Shape } from '../service.ts';
import { type EventBus, type Rule, RuleSettings, Target } from './bus.ts';
import { parsePattern } from './pattern.ts';

const JsonObject = z.string().transform((text, refinement) => {
  try {
    return object.parse(JSON.parse(text));
  } catch {
    refinement.addIssue('not a JSON object');
    return z.NEVER;
  }
});

const MAX_ENTRIES = 10;
const MAX_BYTES = 2 ** 18;

const busName = { EventBusName: z.string().default('default') };
const OfRule = z.object({ Name: z.string(), ...busName });
const OfTargets = z.object({ Rule: z.string(), ...busName });

const Entry = z.object({
  Source: z.string().optional(),
  DetailType: z.string().optional(),
  Detail: z.string().optional(),
  Resources: z.array(z.string()).default([]),
  Time: instant.optional(),
  EventBusName: z.string().default('default'),
});

const shown = ({ arn, settings }: Rule): Shape => ({ ...settings, Arn: arn });

/** Puts one custom event on its bus, or says why not. */
function putEntry(entry: z.infer<typeof Entry>, bus: (name: string) => EventBus): Shape {
  const { Source, DetailType, Detail, Resources, Time, EventBusName } = entry;
  const refuse = (ErrorCode: string, ErrorMessage: string) => ({ ErrorCode, ErrorMessage });
  const missing = Object.entries({ Source, DetailType, Detail }).find(([, value]) => !value)?.[0];
  if (!Source || !DetailType || !Detail) {
    return refuse(
      'InvalidArgument',
      `Parameter ${missing} is not valid. Reason: ${missing} is a required argument.`,
    );
  }
  if (Source.startsWith('aws.')) {
    return refuse('NotAuthorizedForSourceException', `Not authorized for the source ${Source}.`);
  }
  if (Buffer.byteLength(Detail) > MAX_BYTES) return refuse('EventTooLarge', 'An event is at most 256 KiB.');
  const detail = JsonObject.safeParse(Detail);
  if (!detail.success) return refuse('MalformedDetail', 'Detail is malformed.');
  const EventId = randomUUID();
  const event = { source: Source, 'detail-type': DetailType, detail: detail.data, resources: Resources };
  bus(EventBusName).deliver(
    Time === undefined ? event : { ...event, time: new Date(Time).toISOString() },
    EventId,
  );
  return { EventId };
}

/**
 * The API actions of EventBridge.
 * @param bus finds a bus by name or ARN
 * @param save keeps a bus's rules over restarts
 */
export function eventOperations(
  bus: (name: string) => EventBus,
  buses: () => Iterable<EventBus>,
  save: (rule: Rule | { removed: string; bus: string }) => void,
): Operations {
  const busArn = ({ EventBusName }: { EventBusName: string }) => [bus(EventBusName).arn];
  const ruleArn = ({ Name, EventBusName }: { Name: string; EventBusName: string }) => [
    bus(EventBusName).ruleArn(Name),
  ];
  const ofTargets = ({ Rule, EventBusName }: { Rule: string; EventBusName: string }) => [
    bus(EventBusName).ruleArn(Rule),
  ];
  const setState = (State: 'ENABLED' | 'DISABLED') =>
    operation(OfRule, {
      resources: ruleArn,
      handle: ({ Name, EventBusName }) => {
        save(bus(EventBusName).putRule({ ...bus(EventBusName).rule(Name).settings, State }));
        return {};
      },
    });

  return {
    PutEvents: operation(z.object({ Entries: z.array(Entry).min(1).max(MAX_ENTRIES) }), {
      resources: ({ Entries }) => [...new Set(Entries.map(({ EventBusName }) => bus(EventBusName).arn))],
      conditions: ({ Entries }) => ({
        'events:source': Entries.map(({ Source }) => Source ?? ''),
        'events:detail-type': Entries.map(({ DetailType }) => DetailType ?? ''),
      }),
      handle: ({ Entries }) => {
        const results = Entries.map((entry) => putEntry(entry, bus));
        return {
          FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length,
          Entries: results,
        };
      },
    }),
    PutRule: operation(RuleSettings, {
      resources: ruleArn,
      handle: (settings) => {
        const rule = bus(settings.EventBusName).putRule(settings);
        save(rule);
        return { RuleArn: rule.arn };
      },
    }),
    DescribeRule: operation(OfRule, {
      resources: ruleArn,
      handle: ({ Name, EventBusName }) => shown(bus(EventBusName).rule(Name)),
    }),
    DeleteRule: operation(OfRule, {
      resources: ruleArn,
      handle: ({ Name, EventBusName }) => {
        bus(EventBusName).deleteRule(Name);
        save({ removed: Name, bus: EventBusName });
        return {};
      },
    }),
    EnableRule: setState('ENABLED'),
    DisableRule: setState('DISABLED'),
    ListRules: operation(z.object({ NamePrefix: z.string().default(''), ...busName }), {
      resources: busArn,
      handle: ({ NamePrefix, EventBusName }) => ({
        Rules: [...bus(EventBusName).rules.values()]
          .filter(({ settings }) => settings.Name.startsWith(NamePrefix))
          .map(shown),
      }),
    }),
    PutTargets: operation(OfTargets.extend({ Targets: z.array(Target).min(1) }), {
      resources: ofTargets,
      handle: ({ Rule, EventBusName, Targets }) => {
        const rule = bus(EventBusName).rule(Rule);
        for (const target of Targets) rule.targets.set(target.Id, target);
        bus(EventBusName).changed();
        save(rule);
        return { FailedEntryCount: 0, FailedEntries: [] };
      },
    }),
    RemoveTargets: operation(OfTargets.extend({ Ids: z.array(z.string()) }), {
      resources: ofTargets,
      handle: ({ Rule, EventBusName, Ids }) => {
        const rule = bus(EventBusName).rule(Rule);
        for (const id of Ids) rule.targets.delete(id);
        bus(EventBusName).changed();
        save(rule);
        return { FailedEntryCount: 0, FailedEntries: [] };
      },
    }),
    ListTargetsByRule: operation(OfTargets, {
      resources: ofTargets,
      handle: ({ Rule, EventBusName }) => ({ Targets: [...bus(EventBusName).rule(Rule).targets.values()] }),
    }),
    ListRuleNamesByTarget: operation(z.object({ TargetArn: z.string(), ...busName }), {
      handle: ({ TargetArn, EventBusName }) => ({
        RuleNames: [...bus(EventBusName).rules.values()]
          .filter(({ targets }) => [...targets.values()].some(({ Arn }) => Arn === TargetArn))
          .map(({ settings }) => settings.Name),
      }),
    }),
    ListEventBuses: operation(z.object({}), {
      handle: () => ({ EventBuses: [...buses()].map(({ name, arn }) => ({ Name: name, Arn: arn })) }),
    }),
    DescribeEventBus: operation(z.object({ Name: z.string().default('default') }), {
      handle: ({ Name }) => ({ Name: bus(Name).name, Arn: bus(Name).arn }),
    }),
    TestEventPattern: operation(z.object({ EventPattern: z.string(), Event: z.string() }), {
      handle: ({ EventPattern, Event }) => {
        const matches = parsePattern(EventPattern);
        const event = JsonObject.safeParse(Event);
        if (!event.success) throw new AwsError('ValidationException', 'Event is not a JSON object.');
        return { Result: matches(event.data) };
      },
    }),
  };
}
