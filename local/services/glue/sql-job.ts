import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { runSparkSql, type View } from '../../engines/spark-sql.ts';
import { AwsError, type Caller, type RuntimeContext } from '../service.ts';
import type { JobRun } from './run-store.ts';

/** Files that deployments bring along, by bucket and key. */
export interface Assets {
  /** Throws where there is none. */
  fileOf(bucket: string, key: string): string;
}

/** Why a run ended as FAILED. */
export class JobFailed extends Error {
  override readonly name = 'JobFailed';
}

const Arguments = z.object({
  '--sql': z.string(),
  '--input': z.string(),
  '--output': z.string(),
  '--columns': z.string(),
});

const Input = z.object({
  run: z.record(z.string(), z.string()),
  views: z.record(
    z.string(),
    z.object({
      columns: z.array(z.object({ name: z.string(), type: z.string() })),
      files: z.array(z.string()),
    }),
  ),
});

/**
 * Runs a job's SQL on DuckDB, in the job's role. Python does not run here: a job has to be a script whose work is in an
 * SQL file beside it, with the arguments that glue/crm_features.py takes.
 * @param directory for the files of this run; removed in the end
 * @returns rows written
 * @throws JobFailed saying why
 */
export async function runSqlJob(
  run: JobRun,
  options: {
    readonly context: RuntimeContext;
    readonly assets: Assets | undefined;
    readonly caller: Caller;
    readonly script: string;
    readonly directory: string;
    readonly signal: AbortSignal;
  },
): Promise<number> {
  const { directory, signal, script } = options;
  const lake = new RoleObjects(options.context, options.assets, options.caller);
  const given = Arguments.safeParse(run.arguments);
  if (!given.success)
    throw new JobFailed(
      'Only jobs whose work is an SQL file run locally: the arguments --sql, --input, --output and --columns are needed, as glue/crm_features.py takes them.',
    );
  mkdirSync(directory, { recursive: true });
  try {
    await lake.read(script);
    const sql = (await lake.read(given.data['--sql'])).toString('utf8');
    const input = Input.parse(JSON.parse((await lake.read(given.data['--input'])).toString('utf8')));
    const views: Record<string, View> = {};
    for (const [name, view] of Object.entries(input.views)) {
      const files: string[] = [];
      for (const address of view.files) {
        signal.throwIfAborted();
        const path = join(directory, `${createHash('sha256').update(address).digest('hex')}.parquet`);
        await writeFile(path, await lake.read(address));
        files.push(path);
      }
      views[name] = { columns: view.columns, files };
    }
    const output = join(directory, 'result.parquet');
    const columns = given.data['--columns'].split(',');
    const rows = await runSparkSql({ sql, run: input.run, views, columns, directory, output, signal });
    signal.throwIfAborted();
    // As Spark replaces a folder: what was there goes first, and the marker of success comes last.
    const folder = given.data['--output'].replace(/\/?$/, '/');
    await lake.lookAbove(folder);
    await lake.removeAll(folder);
    await lake.write(
      `${folder}part-00000-${run.id.slice(3, 39)}-c000.snappy.parquet`,
      await readFile(output),
    );
    await lake.write(`${folder}_SUCCESS`, Buffer.alloc(0));
    return rows;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Objects of S3 by their addresses, with a role's permissions. */
class RoleObjects {
  readonly #context: RuntimeContext;
  readonly #assets: Assets | undefined;
  readonly #caller: Caller;

  constructor(context: RuntimeContext, assets: Assets | undefined, caller: Caller) {
    this.#context = context;
    this.#assets = assets;
    this.#caller = caller;
  }

  /** An object of S3, or an asset, which lies in no bucket here. */
  async read(address: string): Promise<Buffer> {
    const { Bucket, Key } = place(address);
    const asset = this.#assetOf(Bucket, Key);
    if (asset === undefined) {
      const { Body } = await this.#call('GetObject', { Bucket, Key }, address);
      return Buffer.isBuffer(Body) ? Body : Buffer.from(Body instanceof Uint8Array ? Body : []);
    }
    try {
      const resource = `arn:aws:s3:::${Bucket}/${Key}`;
      this.#context.authorize({ caller: this.#caller, action: 's3:GetObject', resource });
    } catch (error) {
      throw failed(address, error);
    }
    return readFile(asset);
  }

  async write(address: string, Body: Buffer): Promise<void> {
    await this.#call('PutObject', { ...place(address), Body }, address);
  }

  /**
   * Glue's file system asks for each folder above one that it makes: whether there is an object of that name, or a
   * marker. None is fine; not to be allowed to ask is not.
   */
  async lookAbove(folder: string): Promise<void> {
    const { Bucket, Key } = place(folder);
    const names = Key.split('/').filter((name) => name !== '');
    for (let n = 1; n < names.length; n++) {
      const above = names.slice(0, n).join('/');
      for (const each of [above, `${above}_$folder$`]) {
        await this.#call('HeadObject', { Bucket, Key: each }, `s3://${Bucket}/${each}`).catch(
          (error: unknown) => {
            if (!isMissing(error)) throw error;
          },
        );
      }
      await this.#call('ListObjectsV2', { Bucket, Prefix: `${above}/`, MaxKeys: 1 }, folder);
    }
  }

  async removeAll(folder: string): Promise<void> {
    const { Bucket, Key: Prefix } = place(folder);
    for (;;) {
      const listed = Listed.parse(await this.#call('ListObjectsV2', { Bucket, Prefix }, folder));
      for (const { Key } of listed.Contents) await this.#call('DeleteObject', { Bucket, Key }, folder);
      if (listed.Contents.length === 0) return;
    }
  }

  #assetOf(bucket: string, key: string): string | undefined {
    try {
      return this.#assets?.fileOf(bucket, key);
    } catch {
      return undefined;
    }
  }

  async #call(operation: string, input: Record<string, unknown>, address: string) {
    try {
      return await this.#context.call('s3', operation, input, this.#caller);
    } catch (error) {
      throw failed(address, error);
    }
  }
}

const Listed = z.object({ Contents: z.array(z.object({ Key: z.string() })).default([]) });

function place(address: string): { Bucket: string; Key: string } {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(address) ?? [];
  if (!Bucket || !Key) throw new JobFailed(`${address} is no address of an S3 object`);
  return { Bucket, Key };
}

const isMissing = (error: unknown): boolean =>
  error instanceof JobFailed && error.cause instanceof AwsError && error.cause.status === 404;

function failed(address: string, error: unknown): unknown {
  return error instanceof AwsError
    ? new JobFailed(`${address}: ${error.message} (Error Code: ${error.code})`, { cause: error })
    : error;
}
