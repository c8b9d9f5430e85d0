import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { synthesise } from '../local/cli/synthesise.ts';
import { readAssembly } from '../local/template/assembly.ts';
import type { Figure, Section } from './section.ts';
import { spreadOf } from './statistics.ts';

const RUNS = 7;
const MAX_BYTES = 500_000;
const MAX_IMPORT_MS = 60;

const Template = z.object({ Resources: z.record(z.string(), z.unknown()) });
const OwnFunction = z.object({
  Type: z.literal('AWS::Lambda::Function'),
  Metadata: z.object({ 'millrace:bundle': z.object({ entry: z.string(), bytes: z.number() }) }),
  Properties: z.object({
    Code: z.object({ S3Key: z.string() }),
    Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
  }),
});

/** Size and import time of every handler, as the template names them. */
export const handlers: Section = async ({ root, say }) => {
  say(`handlers: ${RUNS} imports each`);
  const assembly = await synthesise(root, say);
  const functions = readAssembly(assembly).stacks.flatMap(({ template }) =>
    Object.values(Template.parse(template).Resources).flatMap((resource) => {
      const own = OwnFunction.safeParse(resource);
      return own.success ? [own.data] : [];
    }),
  );
  if (functions.length === 0) throw new Error('The template has no function with a bundle of ours.');
  const figures: Figure[] = [];
  for (const { Metadata, Properties } of functions) {
    const file = join(assembly, `asset.${Properties.Code.S3Key.replace(/\.zip$/, '')}`, 'index.mjs');
    const { entry, bytes } = Metadata['millrace:bundle'];
    const times = Array.from({ length: RUNS }, () => importMs(file, Properties.Environment.Variables));
    const { median, min, max } = spreadOf(times);
    figures.push(
      { what: entry, value: bytes / 1000, unit: 'kB', aim: MAX_BYTES / 1000 },
      {
        what: `${entry}, import`,
        value: median,
        unit: 'ms',
        aim: MAX_IMPORT_MS,
        spread: `${min.toFixed(0)} to ${max.toFixed(0)}, n=${RUNS}`,
      },
    );
  }
  return { figures };
};

/** Time to import a module in a process of its own, without a compile cache, with variables that handlers parse. */
function importMs(file: string, variables: Record<string, unknown>): number {
  const code = `const began = performance.now(); await import(${JSON.stringify(pathToFileURL(file).href)}); console.log('\\n' + (performance.now() - began)); process.exit()`;
  // References of the template are objects; a handler only asks whether a variable is there and, for some, for JSON.
  const env = Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON_VARIABLES.has(name) ? '{}' : 'x',
    ]),
  );
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, AWS_REGION: 'us-east-1', ...env, NODE_OPTIONS: '--enable-source-maps' },
  });
  return Number(output.trim().split('\n').at(-1));
}

const JSON_VARIABLES = new Set(['TRIGGERS', 'PIPELINES', 'LIMITS', 'PRICES']);
