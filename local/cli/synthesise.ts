import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The CDK application did not synthesise; its own message is in this one. */
export class SynthesisFailed extends Error {
  override readonly name = 'SynthesisFailed';
}

/** What the assembly is a function of. */
const INPUTS = [
  'bin/app.ts',
  'lib/**/*.ts',
  'lambdas/**/*.ts',
  'datasets/*.{json,ts}',
  'glue/*',
  'statemachines/*.json',
  'cdk.json',
  'package-lock.json',
];

/**
 * What the laptop's configuration has beside that of the environment: the help desk and the CRM are on this machine, where
 * those of AWS would be refused, and the second channel has somebody to write to, whose mails are shown and never sent.
 */
const CONTEXT = {
  'helpDesk.allowPrivateTargets': true,
  'helpDesk.email': 'on-call@example.com',
  'crm.enabled': true,
  'crm.allowPrivateTargets': true,
  // What the first fetch analyses takes its time on two cores.
  'crm.startDays': 30,
};

/**
 * Synthesises the application as `cdk synth` does, without the CLI's own start-up time, and only when its sources have
 * changed since the last time.
 * @returns directory of the cloud assembly
 */
export async function synthesise(root: string, say: (message: string) => void): Promise<string> {
  const assembly = join(root, 'cdk.out');
  const stamp = join(assembly, '.inputs');
  const fingerprint = fingerprintOf(root);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === `${fingerprint} ${writtenAt(assembly)}`)
    return assembly;
  say('Synthesising the stacks …');
  await runApp(root, assembly);
  writeFileSync(stamp, `${fingerprint} ${writtenAt(assembly)}`);
  return assembly;
}

/** Tells our assembly from one that the CDK's own command line has since written in its place, for another environment. */
function writtenAt(assembly: string): number | undefined {
  return statSync(join(assembly, 'manifest.json'), { throwIfNoEntry: false })?.mtimeMs;
}

function fingerprintOf(root: string): string {
  const hash = createHash('sha256').update(process.env.CDK_CONTEXT_JSON ?? '');
  for (const file of globSync(INPUTS, { cwd: root }).sort()) {
    const { size, mtimeMs } = statSync(join(root, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

async function runApp(root: string, assembly: string): Promise<void> {
  const app = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(root, 'bin', 'app.ts')],
    {
      cwd: root,
      // The rules of cdk-nag speak when somebody deploys or tests; a laptop run does not wait for them.
      env: {
        ...process.env,
        CDK_CONTEXT_JSON: JSON.stringify({ ...CONTEXT, ...JSON.parse(process.env.CDK_CONTEXT_JSON ?? '{}') }),
        CDK_OUTDIR: assembly,
        CDK_VALIDATION: 'false',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const output: string[] = [];
  app.stdout.on('data', (chunk) => output.push(String(chunk)));
  app.stderr.on('data', (chunk) => output.push(String(chunk)));
  const code = await new Promise<number | null>((resolve, reject) => {
    app.once('error', reject);
    app.once('close', resolve);
  });
  if (code !== 0) throw new SynthesisFailed(`The CDK application failed:\n${output.join('')}`);
}
