import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import type { ObservedCall } from '../../local/endpoint/observe.ts';
import { startTestRuntime } from '../support/runtime.ts';
import { MODELS, operationOf, unknownMembers } from './models.ts';

const sample = (name: string) => readFileSync(new URL(`../../samples/${name}`, import.meta.url));

describe('the stand-ins speak as the service models say', async () => {
  const calls: ObservedCall[] = [];
  const { runtime, drop, settled, stop } = await startTestRuntime({ onCall: (call) => calls.push(call) });
  after(() => stop());

  for (const { signingNames, operations } of Object.values(runtime.services)) {
    for (const name of signingNames.filter((one) => operations && MODELS[one])) {
      test(`${name} has only actions that AWS has`, () => {
        const unknown = Object.keys(operations ?? {}).filter((operation) => !operationOf(name, operation));
        assert.deepEqual(unknown, []);
      });
    }
  }

  test('what is asked and answered while files are processed has only members that AWS has', async () => {
    const names = ['one-word.txt', 'setup.png', 'invoice.pdf', 'photographed-letter.jpg'];
    await settled(await Promise.all(names.map((name) => drop(`documents/${name}`, sample(name)))));
    const known = calls.flatMap(({ service, operation, input, output }) => {
      const model = operationOf(service, operation);
      return model ? [{ action: `${service}:${operation}`, model, input, output }] : [];
    });
    const unknown = known.flatMap(({ action, model, input, output }) => [
      ...unknownMembers(model.input, input).map((member) => `${action} input ${member}`),
      ...unknownMembers(model.output, output).map((member) => `${action} output ${member}`),
    ]);
    assert.deepEqual([...new Set(unknown)], []);
    const actions = new Set(known.map(({ action }) => action));
    assert.ok(actions.size >= 20, `only ${[...actions].join(', ')} were seen`);
  });
});
