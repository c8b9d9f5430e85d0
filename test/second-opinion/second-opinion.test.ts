import { after, before, describe, test } from 'node:test';
import { startTestRuntime, type TestRuntime } from '../support/runtime.ts';
import { run, SKIP, startMoto } from './tools.ts';

const script = (name: string) => `${import.meta.dirname}/${name}.py`;

// Each script plays the same calls on both and lists where the answers differ; see KNOWN in the scripts.
describe('boto3 gets the same answers as from a moto server', { skip: SKIP }, () => {
  let ours: TestRuntime;
  let theirs: Awaited<ReturnType<typeof startMoto>>;
  before(async () => {
    [ours, theirs] = await Promise.all([startTestRuntime(), startMoto()]);
  });
  after(() => Promise.all([ours?.stop(), theirs?.stop()]));

  for (const name of ['s3', 'sqs', 'dynamodb', 'events']) {
    test(name, async (t) => {
      const told = await run('python3', [script(name), ours.runtime.endpoint, theirs.endpoint]);
      t.diagnostic(told.trim().split('\n').at(-1) ?? '');
    });
  }
});
