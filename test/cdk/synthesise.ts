import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { Template } from 'aws-cdk-lib/assertions';
import { createApp } from '../../lib/app.ts';
import { parseConfig } from '../../lib/config.ts';
import { PROJECT_ROOT } from '../../lib/constructs/bundle.ts';

// CloudFormation's own rules take seconds for each synthesis; one test of synth.test.ts applies them.
process.env.CDK_VALIDATION = 'false';

/** A directory that is gone after the tests of the file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-cdk-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The context in cdk.json. */
export function projectContext(): Record<string, unknown> {
  return JSON.parse(readFileSync(join(PROJECT_ROOT, 'cdk.json'), 'utf8')).context;
}

export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly DependsOn?: readonly string[];
  readonly Metadata?: Record<string, unknown>;
}

/** The application with options as on the command line, and both its templates. */
export function synthesise(options: Record<string, unknown> = {}) {
  const context = { ...projectContext(), ...options };
  const app = createApp(parseConfig(context), { context, outdir: temporaryDirectory() });
  const assembly = app.synth();
  const templates = Object.fromEntries(
    assembly.stacks.map((stack) => [stack.stackName.split('-').at(-1), Template.fromJSON(stack.template)]),
  );
  const resources: Record<string, Resource> = Object.assign(
    {},
    ...assembly.stacks.map(({ template }) => template.Resources),
  );
  const ofType = (type: string) => Object.entries(resources).filter(([, resource]) => resource.Type === type);
  return { app, assembly, resources, ofType, data: templates.Data, pipelines: templates.Pipelines };
}
