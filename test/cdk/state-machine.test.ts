import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDefinition, InvalidDefinition } from '../../lib/constructs/state-machine.ts';

// biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholders of a definition look like those of a template.
const definition = '{"StartAt": "${First}", "Comment": "${Second} {% $not.a.placeholder %}"}';

test('placeholders and substitutions that match are accepted', () => {
  checkDefinition('x.asl.json', definition, ['Second', 'First']);
});

test('a placeholder without substitution is refused with file and name', () => {
  assert.throws(() => checkDefinition('x.asl.json', definition, ['First']), {
    name: InvalidDefinition.name,
    message: 'x.asl.json: no substitution is given for Second',
  });
});

test('a substitution that nothing uses is refused with file and name', () => {
  assert.throws(() => checkDefinition('x.asl.json', definition, ['First', 'Second', 'Third', 'Fourth']), {
    message: 'x.asl.json: the definition does not use Third, Fourth',
  });
});

test('a file that is no JSON is refused', () => {
  assert.throws(() => checkDefinition('x.asl.json', '{', []), { message: /^x\.asl\.json is not JSON: / });
});

test('a definition over the quota is refused', () => {
  assert.throws(() => checkDefinition('x.asl.json', JSON.stringify('x'.repeat(1_000_001)), []), {
    message: /x\.asl\.json has 1000003 bytes; Step Functions takes 1000000/,
  });
});
