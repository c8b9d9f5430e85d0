import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createLambda } from '../../local/services/lambda/index.ts';
import type { Provision, Shape } from '../../local/services/service.ts';
import { ADMINISTRATOR, FakeContext, resource } from './fake-context.ts';

export const ROLE = 'arn:aws:iam::123456789012:role/function';

/** Lambda with functions written into the test's own directory. */
export function lambdaHarness(
  t: TestContext,
  options: { concurrency?: number; idleMs?: number; dataDir?: string } = {},
) {
  const context = new FakeContext(options.dataDir ? { dataDir: options.dataDir } : {});
  const code = join(context.dataDir, 'code');
  const lambda = context.use(t, createLambda(context, { directoryOf: (_, key) => join(code, key) }, options));

  const provision = async (type: string, properties: Shape, logicalId?: string) => {
    const provisioner: Provision | undefined = lambda.resources?.[type];
    assert.ok(provisioner, type);
    return provisioner(resource(type, properties, logicalId));
  };

  /** Makes a function of the source of a module. */
  const define = async (name: string, source: string, properties: Shape = {}) => {
    mkdirSync(join(code, name), { recursive: true });
    writeFileSync(join(code, name, 'index.mjs'), source);
    return provision('AWS::Lambda::Function', {
      FunctionName: name,
      Role: ROLE,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Timeout: 20,
      Code: { S3Bucket: 'assets', S3Key: name },
      ...properties,
    });
  };

  const call = (operation: string, input: Shape) => context.call('lambda', operation, input, ADMINISTRATOR);

  const invoke = async (name: string, event: unknown = {}, more: Shape = {}) => {
    const output = await call('Invoke', { FunctionName: name, Payload: JSON.stringify(event), ...more });
    return Object.assign(output, { payload: JSON.parse(String(output.Payload ?? 'null')) });
  };

  /** Log messages of a function, in order. */
  const log = (name: string) =>
    context.lines.filter(({ group }) => group === `/aws/lambda/${name}`).map(({ message }) => message);

  return { context, lambda, provision, define, call, invoke, log };
}

/** Waits for a condition that another process brings about; after 15 s it is not coming. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!condition()) {
    assert.ok(performance.now() < end, `waited in vain for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
