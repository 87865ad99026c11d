import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { PROBE_SOURCE } from '../../src/control/protocol.ts';
import { runHealthcheck, startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, errorOf, readAll, tcpClient, tcpServer, udpSocket } from '../helpers/sockets.ts';

/** Starts a relay to a target's port, and returns the environment of its healthcheck. */
async function relayTo(target: number, environment: Readonly<Record<string, string>>) {
  const port = await closedPort();
  const full: Readonly<Record<string, string>> = {
    TARGET: '127.0.0.1',
    SALLYPORT_RUN_DIR: temporaryDirectory(),
    ...(environment['MODE'] === 'http-proxy'
      ? { PORT: `${target}`, LISTEN: `${port}` }
      : { PORT: `${port}:${target}` }),
    ...environment,
  };
  const relay = startSallyport(full);
  await relay.line('listening');
  return { relay, port, environment: full };
}

async function webServer() {
  const server = createServer((_request, response) => response.end('found')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

const found = async () => (await tcpServer((socket) => socket.end('found'))).port;

test.each(['1', '2'])(
  'ALLOW_FROM resets a client from elsewhere, and says so: WORKERS=%s',
  async (workers) => {
    const { relay, port } = await relayTo(await found(), {
      ALLOW_FROM: '127.0.0.2 127.1.0.0/16, ::1',
      WORKERS: workers,
    });
    for (const from of ['127.0.0.2', '127.1.2.3'])
      expect(String(await readAll(await tcpClient(port, { localAddress: from })))).toBe('found');
    expect(String(await readAll(await tcpClient(port, { host: '::1' })))).toBe('found');

    const refused = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.3' });
    expect(await errorOf(refused)).toBe('ECONNRESET');
    expect(await relay.line('refused')).toMatchObject({
      level: 'warn',
      client: expect.stringMatching(/^127\.0\.0\.3:\d+$/),
      name: null,
      rule: 'source not allowed',
      reason: '127.0.0.3 is not in ALLOW_FROM',
      decision: 'refused',
    });
  },
);

test('ALLOW_FROM resets a client of the forward proxy from elsewhere', async () => {
  const target = await webServer();
  const { relay, port } = await relayTo(target, {
    MODE: 'http-proxy',
    TARGET: 'localhost',
    TARGET_SCOPE: 'any',
    ALLOW_FROM: '127.0.0.2',
  });
  const request = `GET http://localhost:${target}/ HTTP/1.1\r\nHost: localhost:${target}\r\nConnection: close\r\n\r\n`;
  const allowed = await tcpClient(port, { localAddress: '127.0.0.2' });
  allowed.write(request);
  expect(String(await readAll(allowed))).toMatch(/^HTTP\/1\.1 200 /);

  const refused = connect({ port, host: '127.0.0.1' });
  refused.write(request);
  expect(await errorOf(refused)).toBe('ECONNRESET');
  expect(await relay.line('refused')).toMatchObject({ rule: 'source not allowed' });
});

test('ALLOW_FROM drops datagrams from elsewhere, and says so once', async () => {
  const target = await udpSocket();
  const arrived: string[] = [];
  target.on('message', (datagram) => arrived.push(String(datagram)));
  const { relay, port } = await relayTo(target.address().port, { MODE: 'udp', ALLOW_FROM: '127.0.0.2' });
  const [allowed, refused] = [await udpSocket('udp4', '127.0.0.2'), await udpSocket('udp4', '127.0.0.3')];
  for (let i = 0; i < 5; i++) refused.send('let me in', port, '127.0.0.1');
  const next = once(target, 'message');
  allowed.send('hello', port, '127.0.0.1');
  await next;
  expect(arrived).toEqual(['hello']);
  const { client } = await relay.line('refused');
  expect(client).toBe(`127.0.0.3:${refused.address().port}`);
  expect(relay.lines.filter(({ msg }) => msg === 'refused')).toHaveLength(1);
});

test.each([
  ['ALLOW_FROM', { ALLOW_FROM: '192.0.2.1' }],
  [
    'ALLOW_FROM and a forward proxy',
    { ALLOW_FROM: '192.0.2.1', MODE: 'http-proxy', TARGET_SCOPE: 'any', TARGET: 'localhost' },
  ],
  ['BIND', { BIND: '127.0.0.2' }],
  ['BIND and WORKERS', { BIND: '127.0.0.2 ::1', WORKERS: '2' }],
  ['BIND and ALLOW_FROM', { BIND: '::1 127.0.0.2', ALLOW_FROM: '2001:db8::/32' }],
  ['BIND of IPv6 alone', { BIND: '::1', ALLOW_FROM: '2001:db8::/32' }],
  ['BIND of all of IPv4', { BIND: '0.0.0.0' }],
  ['BIND of all of IPv6', { BIND: '::' }],
])(
  'the healthcheck gets through with %s, and takes no slot',
  async (_what, settings: Record<string, string>) => {
    const target = await webServer();
    const { environment, port } = await relayTo(target, {
      ...settings,
      MAX_CONNECTIONS: '1',
      HTTP_HEALTHCHECK: '1',
      HTTP_HEALTHCHECK_URL: `http://$TARGET:${target}/`,
    });
    const { BIND: bind, ALLOW_FROM: allowFrom } = settings;
    if (allowFrom === undefined) await tcpClient(port, { host: bind?.startsWith(':') ? '::1' : '127.0.0.2' });
    expect(await runHealthcheck(environment)).toEqual({ code: 0, output: 'healthy\n' });
  },
);

test('without a probe, BIND of IPv6 alone leaves IPv4 shut', async () => {
  const { port, environment } = await relayTo(await found(), { BIND: '::1' });
  await expect(tcpClient(port, { host: PROBE_SOURCE })).rejects.toThrow('ECONNREFUSED');
  expect(await runHealthcheck(environment)).toEqual({ code: 0, output: 'healthy\n' });
});

test.each(['tcp', 'udp'])('unhealthy: one address of BIND is not listened on (%s)', async (mode) => {
  const { port, environment } = await relayTo(1, { MODE: mode, BIND: '127.0.0.2 ::1' });
  expect(await runHealthcheck(environment)).toEqual({ code: 0, output: 'healthy\n' });
  const outcome = await runHealthcheck({ ...environment, BIND: '127.0.0.2 ::1 127.0.0.3 2001:db8::1' });
  const missing = `${port} at 127.0.0.3, ${port} at 2001:db8::1`;
  expect(outcome).toEqual({ code: 1, output: `unhealthy: nothing listens on ${mode} port ${missing}\n` });
});

test.each([
  ['tcp', '192.0.2.1'],
  ['udp', '2001:db8::1'],
])(
  'an address of BIND that the host has not ends the program: exit 1 and the reason (%s)',
  async (mode, nowhere) => {
    const port = await closedPort();
    const relay = startSallyport({
      TARGET: 'localhost',
      MODE: mode,
      PORT: `${port}`,
      BIND: `127.0.0.1 ${nowhere}`,
    });
    const { code, output } = await relay.ended;
    expect(code).toBe(1);
    expect(output).toMatch(
      new RegExp(
        `failed to listen on ${mode} port ${port} at ${nowhere}: .*EADDRNOTAVAIL.*; the addresses here are [\\w.:, ]+`,
      ),
    );
  },
);

test('with BIND the target may be at the same port of another address of this host', async () => {
  const { port } = await tcpServer((socket) => socket.end('found'), '127.0.0.1');
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}`, BIND: '127.0.0.2' });
  await relay.line('listening');
  expect(String(await readAll(await tcpClient(port, { host: '127.0.0.2' })))).toBe('found');
});

test.each([
  ['v1', (from: number, to: number) => `PROXY TCP4 127.0.0.1 127.0.0.1 ${from} ${to}\r\n`],
  [
    'v2',
    (from: number, to: number) => {
      const ends = Buffer.from('7f0000017f00000100000000', 'hex');
      ends.writeUInt16BE(from, 8);
      ends.writeUInt16BE(to, 10);
      return `\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c${ends.toString('latin1')}`;
    },
  ],
])('PROXY_PROTOCOL=%s tells the target who the client is, and counts it not', async (version, header) => {
  const { port: target } = await tcpServer((socket) => socket.pipe(socket));
  const { relay, port } = await relayTo(target, { PROXY_PROTOCOL: version, VERBOSE: '1' });
  const client = await tcpClient(port);
  const expected = header(client.localPort ?? 0, port);
  client.end('hello');
  expect((await readAll(client)).toString('latin1')).toBe(`${expected}hello`);
  expect(await relay.line('connection ended')).toMatchObject({ sent: 5, received: expected.length + 5 });
});
