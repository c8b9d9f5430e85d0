import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { PROJECT_ROOT } from '../../lib/constructs/bundle.ts';
import { synthesise, temporaryDirectory } from './synthesise.ts';

/** Runs bin/app.ts as npm start does, without the CDK's command line. */
function run(context: Record<string, unknown>, environment: Record<string, string> = {}) {
  const directory = temporaryDirectory();
  const env = {
    ...process.env,
    CDK_OUTDIR: directory,
    CDK_CONTEXT_JSON: JSON.stringify(context),
    ...environment,
  };
  return { directory, env, args: [join(PROJECT_ROOT, 'bin', 'app.ts')] };
}

function contents(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((file) =>
    file.isFile(),
  );
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return new Map(paths.map((path) => [path.slice(directory.length), readFileSync(path, 'latin1')]));
}

test('two syntheses are the same to the byte and what is deployed names no path of this machine', () => {
  const [first, second] = [run({}), run({})];
  for (const { args, env } of [first, second]) execFileSync(process.execPath, args, { env });
  const files = contents(first.directory);
  assert.deepEqual([...files.keys()], [...contents(second.directory).keys()]);
  for (const [name, content] of contents(second.directory)) {
    assert(files.get(name) === content, `${name} differs`);
    // The CDK notes where rules were acknowledged, in metadata that stays on the machine.
    const isDeployed = !name.endsWith('.metadata.json');
    assert(!(isDeployed && content.includes(PROJECT_ROOT)), `${name} names ${PROJECT_ROOT}`);
  }
});

test('the rules of CloudFormation and of cdk-nag find nothing', () => {
  const { args, env, directory } = run({}, { CDK_VALIDATION: 'true' });
  execFileSync(process.execPath, args, { env });
  const { pluginReports } = JSON.parse(readFileSync(join(directory, 'validation-report.json'), 'utf8'));
  assert.deepEqual(pluginReports, []);
  const { app } = synthesise();
  assert.deepEqual(new AwsSolutionsChecks(app).validateScope(app).violations, []);
});

test('cdk-nag does look: a bucket that people can read by http is found', () => {
  const { app } = synthesise();
  const stack = app.node.children.find(({ node }) => node.id.endsWith('-Data'));
  assert(stack);
  new Bucket(stack, 'Careless');
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  assert.deepEqual(violations.map(({ ruleName }) => ruleName).sort(), [
    'AwsSolutions-S1',
    'AwsSolutions-S10',
  ]);
});

test('a wrong option ends the synthesis with the message alone', () => {
  const { args, env } = run({ 'concurrency.ocr': 1 });
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.equal(
    stderr,
    'The configuration is wrong:\n  concurrency.ocr is 1; allowed is a whole number from 2 to 1000\n',
  );
});

test('a fixed account and region need no look-up', () => {
  const { assembly } = synthesise({ account: '123456789012', region: 'eu-central-1' });
  assert.equal(assembly.manifest.missing, undefined);
  assert.equal(assembly.stacks[0]?.environment.region, 'eu-central-1');
});
