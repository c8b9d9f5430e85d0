import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isConnected, PROVIDERS } from '../../lambdas/help-desk/providers/index.ts';
import { PROVIDERS as CONFIGURED } from '../../lib/options.ts';
import { testClient } from './support.ts';

test('every provider that can be configured is there', () => {
  assert.deepEqual(Object.keys(PROVIDERS).sort(), [...CONFIGURED].sort());
});

test('a secret that nobody has filled, or that was switched off, is not connected', () => {
  const generated = { connected: false, password: 'generated-by-the-template' };
  for (const connection of [generated, { password: 'x' }, {}, null, undefined, 'text', 7, []]) {
    assert.equal(isConnected(connection), false);
  }
  const zendesk = { url: 'https://acme.zendesk.com', clientId: 'a', clientSecret: 'b' };
  assert.equal(isConnected({ ...zendesk, connected: false }), false);
  assert.equal(isConnected({ ...zendesk, connected: 'false' }), false);
});

test('a secret with a connection is connected, also with one that is not complete', () => {
  const connections = [
    { url: 'https://acme.zendesk.com' },
    { apiKey: 'a' },
    { routingKey: 'r', connected: true },
    { webhookUrl: 'https://hooks.slack.com/services/T/B/x' },
    { botToken: 't', channel: 'C1' },
    { url: 'https://acme.service-now.com', username: 'u', password: 'p', connected: 'true' },
  ];
  for (const connection of connections) assert.equal(isConnected(connection), true);
});

test('a connection that is not complete is refused by every provider, without its values', () => {
  for (const [name, provider] of Object.entries(PROVIDERS)) {
    assert.throws(
      () => provider({ url: 'ftp://h1dden', apiKey: '', botToken: '' }, testClient()),
      (error: Error) => {
        assert.equal(error.name, 'DeskRefused', name);
        assert.match(error.message, /^The secret of the .+ desk does not hold a connection: \w+: /);
        assert.doesNotMatch(error.message, /h1dden/);
        return true;
      },
    );
  }
});
