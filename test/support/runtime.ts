import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deployment, type FileState } from '../../local/cli/deployment.ts';
import { fileIdOf } from '../../local/cli/files.ts';
import { isDone } from '../../local/cli/report.ts';
import { synthesise } from '../../local/cli/synthesise.ts';
import { type Runtime, type RuntimeOptions, startRuntime } from '../../local/runtime.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The template that `cdk synth` writes, synthesised once for all test files while the sources stand still. */
export function assembly(): Promise<string> {
  return synthesise(ROOT, () => {});
}

/** Configuration of an AWS SDK client for the runtime, with the administrator's rights. */
export interface ClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly forcePathStyle: true;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export interface TestRuntime {
  readonly runtime: Runtime;
  readonly deployment: Deployment;
  /** For `new S3Client(client)` and every other client of the SDK. */
  readonly client: ClientConfig;
  readonly dataDir: string;
  /** Id of a version of an object in the landing bucket. */
  fileId(key: string, versionId: string): string;
  /** Drops a text and answers its file id. */
  drop(key: string, body: string | Buffer): Promise<string>;
  /** Waits until each file has its outcome and, where it succeeded, is loaded. Fails after five minutes. */
  settled(fileIds: readonly string[]): Promise<Map<string, FileState>>;
  /** Stops the runtime and, unless told to keep it, removes its directory. */
  stop(options?: { keepData?: boolean }): Promise<void>;
}

/** Starts the real template on a free port with a directory of its own, or on one that an earlier runtime left. */
export async function startTestRuntime(options: Partial<RuntimeOptions> = {}): Promise<TestRuntime> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'millrace-test-'));
  const runtime = await startRuntime({
    assembly: await assembly(),
    port: 0,
    ...options,
    dataDir,
  });
  const deployment = new Deployment(runtime);
  return {
    runtime,
    deployment,
    dataDir,
    client: {
      endpoint: runtime.endpoint,
      region: runtime.context.region,
      forcePathStyle: true,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    },
    fileId: (key, versionId) => fileIdOf(deployment.landingBucket, key, versionId),
    async drop(key, body) {
      const { versionId } = await deployment.drop(key, Buffer.from(body));
      return fileIdOf(deployment.landingBucket, key, versionId);
    },
    async settled(fileIds) {
      const deadline = Date.now() + 300_000;
      const states = new Map<string, FileState>();
      for (;;) {
        const began = performance.now();
        const open = fileIds.filter((id) => !isDone(states.get(id)));
        for (const [id, state] of await deployment.states(open)) states.set(id, state);
        const left = open.filter((id) => !isDone(states.get(id)));
        if (left.length === 0) return states;
        if (Date.now() > deadline) {
          const what = left.slice(0, 3).map((id) => JSON.stringify(states.get(id) ?? 'no record'));
          throw new Error(
            `${left.length} of ${fileIds.length} files are not settled, such as ${what.join(', ')}`,
          );
        }
        // Asking for many takes its time from what is asked about: at most a tenth of it.
        await changed(runtime, 9 * (performance.now() - began));
      }
    },
    async stop({ keepData = false } = {}) {
      await runtime.stop();
      if (!keepData) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/**
 * Waits for the next status change of an execution, or a moment for what changes without one.
 * @param least milliseconds to wait in any case
 */
export function changed(runtime: Runtime, least = 0): Promise<void> {
  return new Promise((resolve) => {
    let isEarly = true;
    let isChanged = false;
    const early = setTimeout(() => {
      isEarly = false;
      if (isChanged) done();
    }, least);
    const timer = setTimeout(done, least + 250);
    const ignore = runtime.onEvent(() => {
      isChanged = true;
      if (!isEarly) done();
    });
    function done() {
      clearTimeout(early);
      clearTimeout(timer);
      ignore();
      resolve();
    }
  });
}
