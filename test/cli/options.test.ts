import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HELP, parseOptions } from '../../local/cli/options.ts';

test('nothing given runs the samples on port 4566 and stays up', () => {
  assert.deepEqual(parseOptions([]), {
    once: false,
    json: false,
    input: undefined,
    port: 4566,
    data: undefined,
    fresh: false,
    help: false,
  });
});

test('every option is read', () => {
  const argv = ['--once', '--json', '--input', 'in', '--port', '0', '--data', 'd', '--fresh', '-h'];
  const { once, json, input, port, data, fresh, help } = parseOptions(argv);
  assert.deepEqual([once, json, input, port, data, fresh, help], [true, true, 'in', 0, 'd', true, true]);
});

const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [['--port', 'abc'], /--port must be a number from 0 to 65535, and it is "abc"/],
  [['--port', '65536'], /from 0 to 65535/],
  [['--port='], /and it is ""/],
  [['--port', '1e3'], /and it is "1e3"/],
  [['--input', ''], /--input must name a folder, and it is empty/],
  [['--data='], /--data must name a folder, and it is empty/],
  [['--input'], /--input <value>' argument missing/],
  [['--wat'], /Unknown option '--wat'/],
  [['letters'], /Unexpected argument 'letters'/],
];

for (const [argv, message] of WRONG) {
  test(`"${argv.join(' ')}" is refused with what is wrong`, () => {
    assert.throws(() => parseOptions(argv), { name: 'WrongUsage', message });
  });
}

test('an unknown option is answered with those there are, and the help names every one', () => {
  assert.throws(
    () => parseOptions(['--wat']),
    ({ message }: Error) => message.includes(HELP),
  );
  const names = Object.keys(parseOptions([]));
  for (const name of names) assert.ok(HELP.includes(`--${name}`), `--${name} is not in the help`);
});
