import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { buildSync, type OutputFile } from 'esbuild';
import { withoutPackages } from './source-map.ts';

/** Root of the project, where paths of entries start. */
export const PROJECT_ROOT = join(import.meta.dirname, '..', '..');

/** The code of one function: an ES module and its source map. */
export interface Bundle {
  /** By file name; the module is `index.mjs`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Size of the module, bytes. */
  readonly bytes: number;
}

const built = new Map<string, ReadonlyMap<string, Bundle>>();

/**
 * The bundle of a handler. All handlers of the project are built together at the first call, which is several times
 * faster than one by one.
 * @param entry path of a file that exports `handler`, from the project's root, for example `lambdas/intake/intake.ts`
 * @throws Error naming the entry when it does not exist or exports no handler, and when it does not compile
 */
export function bundleOf(entry: string, root = PROJECT_ROOT): Bundle {
  if (!existsSync(join(root, entry)))
    throw new Error(`${entry} does not exist: a function's code is missing`);
  const bundles = built.get(root) ?? buildAll(root);
  built.set(root, bundles);
  const bundle = bundles.get(entry);
  if (!bundle)
    throw new Error(`${entry} has no line "export const handler": it cannot be a function's entry`);
  return bundle;
}

function buildAll(root: string): Map<string, Bundle> {
  const entries = globSync('lambdas/*/*.ts', { cwd: root })
    .sort()
    .filter((file) => /^export const handler\b/m.test(readFileSync(join(root, file), 'utf8')));
  // Nothing is written: the folder only gives source maps their relative paths, so that no path of this machine
  // gets into a bundle.
  const outdir = join(root, 'dist');
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: entries.map((entry) => ({ in: entry, out: entry.replace(/\.ts$/, '/index') })),
    outdir,
    write: false,
    bundle: true,
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    alias: {
      '@aws-sdk/credential-provider-node': join(import.meta.dirname, 'function-credentials.ts'),
      '@aws-sdk/endpoint-cache': join(import.meta.dirname, 'function-endpoint-cache.ts'),
    },
    minify: true,
    legalComments: 'none',
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'error',
    // CommonJS packages ask for Node's own modules by `require`, which a module does not have.
    banner: {
      js: "import{createRequire as nodeCreateRequire}from'node:module';const require=nodeCreateRequire(import.meta.url);",
    },
  });
  return new Map(
    entries.map((entry) => [entry, bundleIn(join(outdir, entry.replace(/\.ts$/, '')), outputFiles)]),
  );
}

function bundleIn(folder: string, outputs: readonly OutputFile[]): Bundle {
  const own = outputs.filter(({ path }) => dirname(path) === folder);
  const files = Object.fromEntries(
    own.map(({ path, contents, text }) => [
      basename(path),
      path.endsWith('.map') ? Buffer.from(JSON.stringify(withoutPackages(JSON.parse(text)))) : contents,
    ]),
  );
  return { files, bytes: files['index.mjs']?.byteLength ?? 0 };
}
