import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Directory of other people's tools: `aws`, `python3` and `moto_server`. */
export const TOOLS = process.env.MILLRACE_SECOND_OPINION ?? '';

/** For the options of tests that need the tools. */
export const SKIP =
  TOOLS === '' &&
  'set MILLRACE_SECOND_OPINION to the bin directory of a virtual environment with test/second-opinion/requirements.txt';

const execute = promisify(execFile);

/**
 * Runs a tool with the keys of an administrator and no other configuration.
 * @throws Error with what the tool said
 */
export async function run(tool: string, args: readonly string[]): Promise<string> {
  const env = {
    PATH: `${TOOLS}:${process.env.PATH}`,
    HOME: '/nonexistent',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_DEFAULT_OUTPUT: 'json',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const { stdout } = await execute(join(TOOLS, tool), args, { env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** Starts a moto server on a free port. */
export async function startMoto(): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const server = spawn(join(TOOLS, 'moto_server'), ['--host', '127.0.0.1', '--port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stop = async () => {
    const closed = once(server, 'close');
    if (server.kill()) await closed;
  };
  const said: string[] = [];
  const endpoint = await new Promise<string>((resolve, reject) => {
    server.once('close', () => reject(new Error(`moto_server did not start:\n${said.join('')}`)));
    server.stderr.on('data', (chunk) => {
      said.push(String(chunk));
      const address = /Running on (http:\S+)/.exec(said.join(''))?.[1];
      if (address) resolve(address);
    });
  });
  return { endpoint, stop };
}
