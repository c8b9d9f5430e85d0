import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { InvalidConfiguration, parseConfig } from '../../lib/config.ts';
import { PROJECT_ROOT } from '../../lib/constructs/bundle.ts';
import { optionReference } from '../../lib/options.ts';
import { projectContext } from './synthesise.ts';

const refused = (context: unknown, ...parts: string[]) =>
  assert.throws(
    () => parseConfig(context),
    (error) => {
      assert(error instanceof InvalidConfiguration);
      for (const part of parts) assert(error.message.includes(part), `${error.message}\n  lacks: ${part}`);
      return true;
    },
  );

test('nothing given is the environment dev with every default', () => {
  const config = parseConfig({});
  assert.equal(config.environment, 'dev');
  assert.equal(config.warehouse.baseCapacity, 4);
  assert.equal(config.warehouse.batchSeconds, 300);
  assert.equal(config.limits.maxPages, 3000);
  assert.equal(config.removalPolicy, 'retain');
  assert.equal(config.deletionProtection, true);
  assert.equal(config.region, undefined);
});

test('an environment changes only what it names, and the command line comes before it', () => {
  const environments = { dev: {}, prod: { warehouse: { batchSeconds: 120 }, concurrency: { ocr: 30 } } };
  const config = parseConfig({
    environment: 'prod',
    environments,
    'concurrency.ocr': '7',
    'warehouse.enabled': 'false',
  });
  assert.equal(config.warehouse.batchSeconds, 120);
  assert.equal(config.warehouse.enabled, false);
  assert.equal(config.warehouse.pollSeconds, 2);
  assert.equal(config.concurrency.ocr, 7);
});

test('an account on the command line stays text', () => {
  assert.equal(parseConfig({ account: '012345678901' }).account, '012345678901');
});

test('every environment in cdk.json is right, and dev loads often', () => {
  const context = projectContext();
  for (const environment of Object.keys(Object(context.environments)))
    parseConfig({ ...context, environment });
  const { warehouse } = parseConfig(context);
  assert.deepEqual([warehouse.batchSeconds, warehouse.pollSeconds], [5, 1]);
});

test('a wrong value is refused with its name, the value and what is allowed', () => {
  refused(
    { environments: { dev: { concurrency: { ocr: 1 }, logLevel: 'LOUD', retention: { logDays: 8 } } } },
    'concurrency.ocr is 1; allowed is a whole number from 2 to 1000',
    'logLevel is "LOUD"; allowed is DEBUG or INFO or WARN or ERROR',
    'retention.logDays is 8; allowed is one of 1, 3, 5',
  );
  refused({ region: 'Frankfurt' }, 'region is "Frankfurt"; allowed is a region such as eu-central-1');
  refused({ 'limits.maxImageBytes': 20_000_000 }, 'limits.maxImageBytes is 20000000', 'to 10485760');
  refused({ tags: { Owner: 4711 } }, 'tags is {"Owner":4711}; allowed is an object of texts');
  refused({ warehouse: 'big' }, 'warehouse is "big"');
});

test('values that do not go together are refused', () => {
  refused(
    { warehouse: { baseCapacity: 32, maxCapacity: 8 } },
    'warehouse.maxCapacity is 8; allowed is at least warehouse.baseCapacity, which is 32',
  );
  refused({ 'warehouse.baseCapacity': 12 }, 'warehouse.baseCapacity is 12; allowed is 4, or a multiple of 8');
  refused({ 'retention.infrequentAccessDays': 70 }, 'retention.glacierDays is 90', 'which is 70');
});

test('an unknown option is refused with the one that was meant', () => {
  refused(
    { warehouse: { basecapacity: 8 } },
    'warehouse.basecapacity is no option; did you mean warehouse.baseCapacity?',
  );
  refused({ maxPages: 3 }, 'maxPages is no option; did you mean limits.maxPages?');
  refused({ xylophone: 3 }, 'xylophone is no option; docs/configuration.md lists them');
});

test('an unknown environment is refused with the known ones', () => {
  refused(
    { environment: 'staging', environments: { dev: {}, prod: {} } },
    'environment is "staging"',
    'dev, prod',
  );
  refused({ environments: { Dev_1: {} }, environment: 'Dev_1' }, 'lower-case letters');
});

test('context of the CDK itself is no option', () => {
  parseConfig({ '@aws-cdk/core:anything': true, 'aws:cdk:bundling-stacks': ['**'], 'cli-telemetry': false });
});

test('the reference in docs/configuration.md is that of the code', () => {
  const table = [
    '| option | default | allowed | meaning |',
    '|---|---|---|---|',
    ...optionReference().map(
      ({ name, default: value, allowed, description }) =>
        `| \`${name}\` | ${value === undefined ? 'none' : `\`${JSON.stringify(value)}\``} | ${allowed} | ${description} |`,
    ),
  ].join('\n');
  const file = join(PROJECT_ROOT, 'docs', 'configuration.md');
  const marked = /(<!-- options -->\n)[\s\S]*(\n<!-- end of options -->)/;
  const document = readFileSync(file, 'utf8');
  const current = document.replace(marked, (_all, start, end) => `${start}${table}${end}`);
  if (process.env.UPDATE_DOCS) writeFileSync(file, current);
  else assert.equal(document, current, 'run the test with UPDATE_DOCS=1');
});
