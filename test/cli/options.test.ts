import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
    break: [],
    fault: [],
    seed: undefined,
    help: false,
  });
});

test('every option is read', () => {
  const argv = ['--once', '--json', '--input', 'in', '--port', '0', '--data', 'd', '--fresh', '-h'];
  const { once, json, input, port, data, fresh, help } = parseOptions(argv);
  assert.deepEqual([once, json, input, port, data, fresh, help], [true, true, 'in', 0, 'd', true, true]);
});

test('faults are named, written or in a file, and several are allowed', (t) => {
  const file = join(mkdtempSync(join(tmpdir(), 'millrace-options-')), 'faults.json');
  t.after(() => rmSync(dirname(file), { recursive: true }));
  writeFileSync(file, '{"rules": [{"fault": "throttled", "service": "s3"}]}');
  const argv = [
    '--break',
    'ocr',
    '--break=events',
    '--fault',
    file,
    '--fault',
    '[{"fault":"lost"}]',
    '--seed',
    '7',
  ];
  const { break: breaks, fault, seed } = parseOptions(argv);
  assert.deepEqual(breaks, ['ocr', 'events']);
  assert.deepEqual(
    fault.map((rule) => rule.fault),
    ['throttled', 'lost'],
  );
  assert.equal(seed, 7);
  assert.equal(parseOptions(['--fault', '{"seed": 8}']).seed, 8, 'a plan may bring its own');
});

const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [['--port', 'abc'], /--port must be a number from 0 to 65535, and it is "abc"/],
  [['--port', '65536'], /from 0 to 65535/],
  [['--port='], /and it is ""/],
  [['--port', '1e3'], /and it is "1e3"/],
  [['--input', ''], /--input must name a folder, and it is empty/],
  [['--data='], /--data must name a folder, and it is empty/],
  [['--input'], /--input <value>' argument missing/],
  [['--break', 'orc'], /There is no break "orc"\. There are: ocr, warehouse, help-desk, events/],
  [['--fault', '[{"fault":"gremlins"}]'], /--fault: .*rules\[0\]/s],
  [['--fault', 'no-such-file.json'], /--fault: ENOENT.*no-such-file\.json/],
  [['--fault', '{'], /--fault: .*JSON/],
  [['--seed', 'x'], /--seed must be a whole number/],
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
