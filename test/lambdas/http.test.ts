import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type Server } from 'node:net';
import { after, test } from 'node:test';
import { DESK } from '../../lambdas/help-desk/remote.ts';
import { isAllowed } from '../../lambdas/shared/http/addresses.ts';
import { createHttpClient, type HttpOptions, retryAfterOf } from '../../lambdas/shared/http/client.ts';

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert(address && typeof address === 'object');
  return address.port;
}

const serve = (listener: RequestListener) => {
  const server = createServer(listener);
  after(() => server.closeAllConnections());
  return listening(server);
};

const client = (options: Partial<HttpOptions> = {}) =>
  createHttpClient({ remote: DESK, allowPrivate: true, ...options });
const get = (url: string, options?: Partial<HttpOptions>) => client(options).send({ method: 'GET', url });

const REFUSED = { name: 'DeskRefused' };
const UNAVAILABLE = { name: 'DeskUnavailable' };

test('a request arrives as it was made, and its answer as it was given', async () => {
  const port = await serve(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    response.writeHead(201, { 'x-kind': 'ticket' });
    response.end(
      JSON.stringify({
        method: request.method,
        path: request.url,
        body,
        auth: request.headers.authorization,
      }),
    );
  });
  const answer = await client().send({
    method: 'POST',
    url: `http://127.0.0.1:${port}/api/v2/tickets?a=%20b`,
    headers: { authorization: 'Bearer t' },
    body: '{"a":"ü"}',
  });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers['x-kind'], 'ticket');
  assert.deepEqual(JSON.parse(answer.text), {
    method: 'POST',
    path: '/api/v2/tickets?a=%20b',
    body: '{"a":"ü"}',
    auth: 'Bearer t',
  });
});

const PRIVATE = [
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.0.9',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '198.18.0.1',
  '192.0.0.8',
  '192.0.2.1',
  '198.51.100.1',
  '203.0.113.1',
  '240.0.0.1',
  '::1',
  '::ffff:10.0.0.1',
  '::ffff:7f00:1',
  '64:ff9b::a00:1',
  '2001:db8::1',
  '2002:a00:1::',
  '2001:0:1::1',
  'fc00::1',
  'fd12:3456::1',
  'fec0::1',
];
const NEVER = [
  '0.0.0.0',
  '169.254.169.254',
  '169.254.170.2',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::ffff:169.254.169.254',
  'fd00:ec2::254',
  'fe80::1',
  'ff02::1',
];
const PUBLIC = ['8.8.8.8', '172.32.0.1', '100.128.0.1', '192.169.0.1', '::ffff:8.8.8.8', '2606:4700::1111'];

const familyOf = (address: string) => (address.includes(':') ? 6 : 4);

test('addresses on the internet are allowed, private ones on request, link-local and multicast ones never', () => {
  const verdicts = (addresses: readonly string[], allowPrivate: boolean) =>
    addresses.filter((address) => isAllowed({ address, family: familyOf(address) }, allowPrivate));
  assert.deepEqual(verdicts(PUBLIC, false), PUBLIC);
  assert.deepEqual(verdicts(PRIVATE, false), []);
  assert.deepEqual(verdicts(NEVER, false), []);
  assert.deepEqual(verdicts(PUBLIC, true), PUBLIC);
  assert.deepEqual(verdicts(PRIVATE, true), PRIVATE);
  assert.deepEqual(verdicts(NEVER, true), []);
});

test('an address that is written into the URL is checked, however it is written', async () => {
  const hosts = [
    '127.0.0.1',
    '[::1]',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '[::ffff:127.0.0.1]',
    '169.254.169.254',
    '10.0.0.1:8443',
  ];
  for (const host of hosts)
    await assert.rejects(get(`https://${host}/`, { allowPrivate: false }), REFUSED, host);
  for (const host of ['169.254.169.254', '[fe80::1]', '[fd00:ec2::254]', '0.0.0.0']) {
    await assert.rejects(get(`http://${host}/latest/meta-data/`), REFUSED, host);
  }
});

test('a name that resolves to a private address is refused, also when it resolves to a public one first', async () => {
  const resolve = async () => [
    { address: '93.184.216.34', family: 4 },
    { address: '10.0.0.7', family: 4 },
  ];
  await assert.rejects(get('https://desk.example.com/', { allowPrivate: false, resolve }), REFUSED);
  await assert.rejects(get('https://localhost/', { allowPrivate: false }), REFUSED);
});

test('the address that was checked is the one that is connected to: a name is resolved once', async () => {
  const port = await serve((_request, response) => response.end('{}'));
  let asked = 0;
  const answer = await get(`http://desk.invalid:${port}/`, {
    resolve: async () => {
      asked++;
      return [{ address: '127.0.0.1', family: 4 }];
    },
  });
  assert.equal(answer.status, 200);
  assert.equal(asked, 1);
});

test('plain http is refused unless private targets are allowed; other protocols and credentials in it always', async () => {
  await assert.rejects(get('http://desk.example.com/', { allowPrivate: false }), REFUSED);
  await assert.rejects(get('ftp://127.0.0.1/'), REFUSED);
  await assert.rejects(get('file:///etc/passwd'), REFUSED);
  await assert.rejects(get('http://user:hunter2@127.0.0.1/'), (error: Error) => {
    assert.equal(error.name, 'DeskRefused');
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
  await assert.rejects(get('no address'), REFUSED);
});

test('a read follows redirects on its host, a few times', async () => {
  const port = await serve(({ url }, response) => {
    if (url === '/a') response.writeHead(302, { location: '/b' }).end();
    else if (url === '/b') response.writeHead(308, { location: './c' }).end();
    else if (url === '/circle') response.writeHead(302, { location: '/circle' }).end();
    else response.end('"here"');
  });
  assert.equal((await get(`http://127.0.0.1:${port}/a`)).text, '"here"');
  await assert.rejects(get(`http://127.0.0.1:${port}/circle`), UNAVAILABLE);
});

test('a redirect to another host, port or protocol is refused, and so is one of a request that changes something', async () => {
  let reached = 0;
  const other = await serve((_request, response) => {
    reached++;
    response.end('{}');
  });
  const port = await serve((request, response) => {
    const to = request.url === '/same' ? '/there' : `http://127.0.0.1:${other}/`;
    response.writeHead(307, { location: to }).end();
  });
  await assert.rejects(get(`http://127.0.0.1:${port}/`), REFUSED);
  const url = `http://127.0.0.1:${port}/same`;
  await assert.rejects(client().send({ method: 'POST', url, body: '{}' }), REFUSED);
  assert.equal(reached, 0);
});

test('an answer of more than the limit is not taken in', async () => {
  const port = await serve((_request, response) => {
    response.end('x'.repeat(2_000));
  });
  await assert.rejects(get(`http://127.0.0.1:${port}/`, { maxBytes: 1_999 }), UNAVAILABLE);
  assert.equal((await get(`http://127.0.0.1:${port}/`, { maxBytes: 2_000 })).text.length, 2_000);
});

test('an answer without end is stopped at the limit', async () => {
  const port = await serve((_request, response) => {
    const more = () => {
      while (response.write('x'.repeat(65_536)));
    };
    response.on('drain', more);
    more();
  });
  await assert.rejects(get(`http://127.0.0.1:${port}/`), /more than 1048576 bytes/);
});

test('a host that does not answer, or not to the end, is given up in time', async () => {
  const silent = await serve(() => {});
  await assert.rejects(get(`http://127.0.0.1:${silent}/`, { totalMs: 50 }), /no complete answer in 50 ms/);
  const dripping = await serve((_request, response) => {
    response.write('{');
  });
  await assert.rejects(
    get(`http://127.0.0.1:${dripping}/`, { totalMs: 100 }),
    /no complete answer in 100 ms/,
  );
});

test('a host that takes the connection but not the handshake is given up in time', async () => {
  const port = await listening(createTcpServer((socket) => socket.on('error', () => {})));
  await assert.rejects(get(`https://127.0.0.1:${port}/`, { connectMs: 50 }), /took no connection in 50 ms/);
});

test('a connection that is refused, reset or cut off is an unavailable desk', async () => {
  const closed = createTcpServer();
  const port = await listening(closed);
  closed.close();
  await once(closed, 'close');
  await assert.rejects(get(`http://127.0.0.1:${port}/`), { ...UNAVAILABLE, message: /ECONNREFUSED/ });
  const reset = await listening(createTcpServer((socket) => socket.resetAndDestroy()));
  await assert.rejects(get(`http://127.0.0.1:${reset}/`), UNAVAILABLE);
  const short = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"ticket":', () => response.destroy());
  });
  await assert.rejects(get(`http://127.0.0.1:${short}/`), UNAVAILABLE);
});

test('errors hold no path, no query and no header', async () => {
  const port = await serve((_request, response) =>
    response.writeHead(302, { location: 'http://other.example/s3cret' }).end(),
  );
  const failures = [
    () => client().send({ method: 'POST', url: `http://127.0.0.1:${port}/services/s3cret?t=s3cret` }),
    () => get(`https://127.0.0.1:${port}/s3cret`),
    () =>
      client().send({
        method: 'GET',
        url: `http://127.0.0.1:${port}/`,
        headers: { authorization: 's3cret\n' },
      }),
    () => get('https://10.0.0.1/s3cret', { allowPrivate: false }),
    () => get('nonsense s3cret'),
  ];
  for (const failure of failures) {
    await assert.rejects(failure, (error: Error) => {
      assert.match(error.name, /^Desk/);
      assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)} ${error.cause}`, /s3cret/);
      return true;
    });
  }
});

test('Retry-After is understood in seconds and as a date, and never longer than a queue can wait', () => {
  const now = Date.parse('2026-03-01T12:00:00Z');
  const of = (value?: string) =>
    retryAfterOf(
      { status: 429, text: '', headers: value === undefined ? {} : { 'retry-after': value } },
      now,
    );
  assert.equal(of('93'), 93);
  assert.equal(of(' 0 '), 0);
  assert.equal(of('Sun, 01 Mar 2026 12:01:30 GMT'), 90);
  assert.equal(of('Sun, 01 Mar 2026 11:00:00 GMT'), 0);
  assert.equal(of('99999999'), 43_200);
  assert.equal(of('soon'), undefined);
  assert.equal(of(), undefined);
});
