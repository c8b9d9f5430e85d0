import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const base = mkdtempSync(join(tmpdir(), 'millrace-start-'));
after(() => rmSync(base, { recursive: true, force: true }));

/** A folder of input below the test's own. */
function input(name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(base, name);
  mkdirSync(folder);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

/** `npm start` without npm. */
class Start {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #ended: Promise<unknown>;

  constructor(...options: readonly string[]) {
    const args = ['--disable-warning=ExperimentalWarning', 'local/main.ts', ...options];
    this.child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    this.#ended = once(this.child, 'close');
    after(() => this.child.kill('SIGKILL'));
  }

  /** Waits until standard output has said it. */
  async says(words: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = words.exec(this.stdout);
      if (found) return found;
      assert.ok(this.child.exitCode === null && this.child.stdout, `ended: ${this.stdout}${this.stderr}`);
      await Promise.race([once(this.child.stdout, 'data'), this.#ended]);
    }
  }

  async exit(): Promise<number | null> {
    await this.#ended;
    return this.child.exitCode;
  }
}

describe('npm start', { timeout: 180_000 }, () => {
  test('--once --json: the report and nothing else on standard output, status 0 with a refused file', async () => {
    const folder = input('good', { 'thanks.txt': 'Thank you, all is wonderful.', 'empty.txt': '' });
    const data = join(base, 'data-json');
    const start = new Start('--once', '--json', '--port', '0', '--data', data, '--input', folder);
    assert.equal(await start.exit(), 0, start.stderr);
    const report = JSON.parse(start.stdout);
    assert.deepEqual(
      report.files.map(({ fileName, status, loaded }: Record<string, unknown>) => [fileName, status, loaded]),
      [
        ['documents/empty.txt', 'REJECTED', false],
        ['documents/thanks.txt', 'SUCCEEDED', true],
      ],
    );
    assert.deepEqual(report.warehouse, { documents: 1 });
    assert.match(start.stderr, /loaded +documents\/thanks\.txt/);
  });

  test('a used port and used data are refused with a way out, and Ctrl-C ends in status 0', async () => {
    const folder = input('up', { 'a.txt': 'Good morning.' });
    const data = join(base, 'data-up');
    const first = new Start('--port', '0', '--data', data, '--input', folder);
    const [, port = ''] = await first.says(/at http:\/\/127\.0\.0\.1:(\d+)/);
    const samePort = new Start('--once', '--port', port, '--data', join(base, 'other'), '--input', folder);
    const sameData = new Start('--once', '--port', '0', '--data', data, '--input', folder);
    assert.equal(await samePort.exit(), 1);
    assert.equal(
      samePort.stderr,
      `Port ${port} is in use. Choose another: npm start -- --port ${Number(port) + 1}\n`,
    );
    assert.equal(await sameData.exit(), 1);
    assert.match(sameData.stderr, /^Another runtime \(process \d+\) uses .*npm start -- --data DIR\n$/);

    await first.says(/Ctrl-C stops everything/);
    first.child.kill('SIGINT');
    assert.equal(await first.exit(), 0, first.stderr);
  });

  test('interrupted on the way it ends in status 130, and the next start finishes what was dropped', async () => {
    const data = join(base, 'data-interrupted');
    const one = input('one', { 'one.txt': 'This is terrible.' });
    const interrupted = new Start('--once', '--port', '0', '--data', data, '--input', one);
    await interrupted.says(/landed +documents\/one\.txt/);
    interrupted.child.kill('SIGINT');
    assert.equal(await interrupted.exit(), 130, interrupted.stderr);

    const two = input('two', { 'two.txt': 'This is excellent.' });
    const next = new Start('--once', '--json', '--port', '0', '--data', data, '--input', two);
    assert.equal(await next.exit(), 0, next.stderr);
    assert.deepEqual(
      JSON.parse(next.stdout).files.map((file: Record<string, unknown>) => [
        file.fileName,
        file.status,
        file.executions,
      ]),
      [
        ['documents/one.txt', 'SUCCEEDED', 1],
        ['documents/two.txt', 'SUCCEEDED', 1],
      ],
    );
  });

  test("--data and --fresh leave other people's files alone", async () => {
    const foreign = input('foreign', { 'thesis.txt': 'x' });
    const start = new Start('--once', '--fresh', '--port', '0', '--data', foreign, '--input', foreign);
    assert.equal(await start.exit(), 1);
    assert.match(start.stderr, /holds files that are not the runtime's/);
    const file = join(foreign, 'thesis.txt');
    const inFile = new Start('--once', '--port', '0', '--data', file, '--input', foreign);
    assert.equal(await inFile.exit(), 1);
    assert.match(inFile.stderr, /thesis\.txt cannot be used for data/);
  });
});
