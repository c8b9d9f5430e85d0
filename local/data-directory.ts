import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** Another runtime uses the data directory. */
export class DataInUse extends Error {
  override readonly name = 'DataInUse';
}

/** The data directory cannot be made or written. */
export class UnusableDirectory extends Error {
  override readonly name = 'UnusableDirectory';
}

/** The directory holds what is not the runtime's. */
export class ForeignDirectory extends Error {
  override readonly name = 'ForeignDirectory';
}

const PID_FILE = 'runtime.pid';
/** Where the millrace command looks for a runtime that is ready. */
const ENDPOINT_FILE = 'runtime.endpoint';
/** Tells the runtime's own directories from others, so that `--fresh` never empties somebody's home. */
const MARKER = 'millrace-data.txt';

const claimedHere = new Set<string>();

/**
 * Makes a data directory and claims it for this process. A claim that a killed process left behind does not count.
 * @returns gives the directory free again
 * @throws DataInUse, ForeignDirectory when it holds other things, and UnusableDirectory when it cannot be written
 */
export function claimData(dataDir: string): () => void {
  try {
    mkdirSync(dataDir, { recursive: true });
    accessSync(dataDir, constants.W_OK);
  } catch (error) {
    throw new UnusableDirectory(
      `${dataDir} cannot be used for data: ${error instanceof Error ? error.message : error}. Choose another directory: npm start -- --data DIR`,
    );
  }
  if (isForeign(dataDir)) {
    throw new ForeignDirectory(
      `${dataDir} holds files that are not the runtime's. Choose an empty or a new directory: npm start -- --data DIR`,
    );
  }
  const file = join(dataDir, PID_FILE);
  const owner = existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
  if (owner !== undefined && isRunning(owner, dataDir)) {
    throw new DataInUse(
      `Another runtime (process ${owner}) uses ${dataDir}. Stop it, or choose another directory: npm start -- --data DIR`,
    );
  }
  rmSync(file, { force: true });
  rmSync(join(dataDir, ENDPOINT_FILE), { force: true });
  writeFileSync(file, String(process.pid), { flag: 'wx' });
  writeFileSync(
    join(dataDir, MARKER),
    'State of the Millrace local runtime. It may be deleted while none runs.\n',
  );
  claimedHere.add(dataDir);
  return () => {
    claimedHere.delete(dataDir);
    rmSync(join(dataDir, ENDPOINT_FILE), { force: true });
    rmSync(file, { force: true });
  };
}

/** Says where the runtime that claimed the directory can be reached, until it gives the directory free. */
export function announceEndpoint(dataDir: string, endpoint: string): void {
  writeFileSync(join(dataDir, ENDPOINT_FILE), `${endpoint}\n`);
}

/**
 * Forgets all that a data directory holds.
 * @throws DataInUse, and ForeignDirectory when it is not one of the runtime's
 */
export function emptyData(dataDir: string): void {
  if (!existsSync(dataDir)) return;
  if (isForeign(dataDir)) {
    throw new ForeignDirectory(
      `${dataDir} holds files that are not the runtime's; --fresh does not delete them.`,
    );
  }
  const release = claimData(dataDir);
  for (const name of readdirSync(dataDir)) {
    if (name !== PID_FILE) rmSync(join(dataDir, name), { recursive: true, force: true });
  }
  release();
}

function isForeign(dataDir: string): boolean {
  const content = readdirSync(dataDir);
  return content.length > 0 && !content.includes(MARKER) && !content.includes(PID_FILE);
}

function isRunning(pid: number, dataDir: string): boolean {
  // A process of an earlier life of this machine or container can have had the same number.
  if (pid === process.pid) return claimedHere.has(dataDir);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process is there, and another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
