import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../json-file.ts';
import { document, object } from '../operation.ts';
import {
  AwsError,
  type BusEvent,
  type LocalService,
  type ResourceRequest,
  type RuntimeContext,
} from '../service.ts';
import { EventBus, type Rule, RuleSettings, Target } from './bus.ts';
import { eventOperations } from './operations.ts';
import { Outbox } from './outbox.ts';

const SavedRules = z.array(z.object({ settings: RuleSettings, targets: z.array(Target) }));

const RuleProperties = RuleSettings.extend({
  Name: z.string().optional(),
  EventPattern: object.optional(),
  Targets: z.array(Target).default([]),
});
const BusProperties = z.object({ Name: z.string(), Policy: document.optional() });
const BusPolicyProperties = z.object({
  EventBusName: z.string().default('default'),
  StatementId: z.string(),
  Statement: object,
});

/** Rules made by API calls are kept in a file; those of the template come back with it. */
class SavedRuleFile {
  readonly #file: JsonFile<typeof SavedRules>;
  readonly #rules = new Map<string, z.infer<typeof SavedRules>[number]>();

  constructor(directory: string) {
    this.#file = new JsonFile(join(directory, 'rules.json'), SavedRules);
  }

  load(): z.infer<typeof SavedRules> {
    const rules = this.#file.read() ?? [];
    for (const rule of rules) this.#rules.set(`${rule.settings.EventBusName}|${rule.settings.Name}`, rule);
    return rules;
  }

  save(change: Rule | { removed: string; bus: string }): void {
    if ('removed' in change) {
      this.#rules.delete(`${change.bus}|${change.removed}`);
    } else {
      const { settings, targets } = change;
      this.#rules.set(`${settings.EventBusName}|${settings.Name}`, {
        settings,
        targets: [...targets.values()],
      });
    }
    this.#file.write([...this.#rules.values()]);
  }
}

/** EventBridge: buses, rules, and the deliveries to their targets. `deliver` takes the events of AWS itself. */
export function createEvents(context: RuntimeContext): LocalService & { deliver(event: BusEvent): void } {
  const outbox = new Outbox(context, 'events');
  const saved = new SavedRuleFile(join(context.dataDir, 'events'));
  const buses = new Map<string, EventBus>();
  const addBus = (name: string): EventBus => {
    const bus = buses.get(name) ?? new EventBus(name, context, outbox);
    buses.set(name, bus);
    return bus;
  };
  const findBus = (reference: string): EventBus => {
    const bus = buses.get(reference.split('/').at(-1) ?? '');
    if (!bus) throw new AwsError('ResourceNotFoundException', `Event bus ${reference} does not exist.`);
    return bus;
  };
  const defaultBus = addBus('default');

  return {
    signingNames: ['events'],
    iamPrefix: 'events',
    operations: eventOperations(
      findBus,
      () => buses.values(),
      (change) => saved.save(change),
    ),
    resources: {
      'AWS::Events::EventBus': ({ properties }: ResourceRequest) => {
        const { Name, Policy } = BusProperties.parse(properties);
        const bus = addBus(Name);
        if (Policy) context.policies.setResourcePolicy(bus.arn, Policy);
        return { ref: Name, attributes: { Arn: bus.arn, Name } };
      },
      'AWS::Events::EventBusPolicy': ({ properties, generatedName }: ResourceRequest) => {
        const { EventBusName, Statement } = BusPolicyProperties.parse(properties);
        context.policies.setResourcePolicy(findBus(EventBusName).arn, {
          Version: '2012-10-17',
          Statement: [Statement],
        });
        return { ref: generatedName, attributes: {} };
      },
      'AWS::Events::Rule': ({ properties, generatedName }: ResourceRequest) => {
        const { Targets, EventPattern, ...settings } = RuleProperties.parse(properties);
        const bus = findBus(settings.EventBusName);
        const rule = bus.putRule({
          ...settings,
          EventBusName: bus.name,
          Name: settings.Name ?? generatedName.slice(-64),
          ...(EventPattern && { EventPattern: JSON.stringify(EventPattern) }),
        });
        rule.targets.clear();
        for (const target of Targets) rule.targets.set(target.Id, target);
        bus.changed();
        const { Name } = rule.settings;
        return { ref: bus === defaultBus ? Name : `${bus.name}|${Name}`, attributes: { Arn: rule.arn } };
      },
    },
    deliver: (event) => defaultBus.deliver(event),
    start() {
      for (const { settings, targets } of saved.load()) {
        const bus = addBus(settings.EventBusName);
        // A rule of the template has the last word.
        if (bus.rules.has(settings.Name)) continue;
        const rule = bus.putRule(settings);
        for (const target of targets) rule.targets.set(target.Id, target);
        bus.changed();
      }
      outbox.start();
    },
    stop() {
      for (const bus of buses.values()) bus.stop();
      outbox.stop();
    },
    close() {
      outbox.close();
    },
  };
}
