import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { systemClock } from '../../local/clock.ts';
import { Harness, json, lambda } from './states-harness.ts';

test('killed at any moment, executions go on at the next start', { timeout: 600_000 }, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-states-'));
  const victim = spawn(process.execPath, [join(import.meta.dirname, 'states-victim.ts'), dataDir], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const heard: Record<string, unknown> = {};
  for await (const line of createInterface(victim.stdout)) {
    Object.assign(heard, json(line));
    if (heard.token && heard.called && heard.arns) break;
  }
  victim.kill('SIGKILL');
  await once(victim, 'exit');

  using harness = new Harness(systemClock, dataDir);
  const again: unknown[] = [];
  harness.stubs['sqs.SendMessage'] = ({ MessageBody }) => {
    again.push(Object(json(MessageBody)).token);
    return { MessageId: '2' };
  };
  harness.stubs['lambda.Invoke'] = lambda(() => 'done');
  await harness.service.start?.();
  const [token, call] = heard.arns as [string, string];
  assert.equal((await harness.ended(call)).output, '"yes"');
  await harness.until(async () => (await harness.types(token)).includes('TaskSubmitted'));
  await harness.call('SendTaskSuccess', { taskToken: heard.token, output: '1' });
  assert.equal((await harness.ended(token)).output, '["yes",1]');
  assert.ok(again.every((other) => other === heard.token));
  for (const arn of [token, call]) {
    const ids = (await harness.history(arn)).map(({ id }) => id);
    assert.deepEqual(
      ids,
      ids.map((_, index) => index + 1),
    );
  }
});
