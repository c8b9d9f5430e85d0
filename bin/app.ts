import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApp } from '../lib/app.ts';
import { InvalidConfiguration, parseConfig } from '../lib/config.ts';
import { InvalidDatasets } from '../lib/datasets/check.ts';

/** cdk.json's context, with what the CDK's command line or another caller adds in CDK_CONTEXT_JSON. */
function readContext(): Record<string, unknown> {
  const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'cdk.json'), 'utf8'));
  return { ...context, ...JSON.parse(process.env.CDK_CONTEXT_JSON ?? '{}') };
}

try {
  const context = readContext();
  createApp(parseConfig(context), { context }).synth();
} catch (error) {
  if (!(error instanceof InvalidConfiguration || error instanceof InvalidDatasets)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
