import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';

import { expect, test } from 'vitest';

import { Crowd } from '../../../src/relay/crowd.ts';
import { chooseByName } from '../../../src/relay/names/choose.ts';
import { createNameCheck } from '../../../src/relay/serve/enforce-names.ts';
import type { Connection } from '../../../src/relay/tcp/connection.ts';
import { clientHello, extension, records, vector } from '../../helpers/client-hello.ts';
import { findAmong } from '../../helpers/http-relay.ts';
import { countReads, servingRelay, testLog } from '../../helpers/relay.ts';
import { closedPort, endOf, readAll, readSome, tcpClient, tcpServer } from '../../helpers/sockets.ts';

const NAMES: readonly string[] = ['api.test', 'www.test'];

/** A relay that checks names: api.test and www.test are on this port. */
async function checking(
  port: number,
  {
    refuseEch = false,
    onConnection,
    ...options
  }: {
    refuseEch?: boolean;
    onConnection?: (connection: Connection) => void;
  } & Parameters<typeof servingRelay>[1] = {},
) {
  const check = createNameCheck();
  const choose = chooseByName(findAmong(NAMES, port));
  return servingRelay((connection) => {
    onConnection?.(connection);
    return check(connection, { choose, refuseEch });
  }, options);
}

/** A server that keeps all it hears, and says what it is told to. */
async function listener(answer: (socket: Socket) => void = () => {}) {
  const heard: Buffer[] = [];
  const { port } = await tcpServer((socket) => {
    socket.on('data', (chunk: Buffer) => heard.push(chunk));
    answer(socket);
  });
  return { port, heard: () => Buffer.concat(heard) };
}

const ALERT = {
  access_denied: '15030300020231',
  decode_error: '15030300020232',
  unrecognized_name: '15030300020270',
};
const OUTER_ECH = extension(0xfe0d, Buffer.of(0));
const http = (...lines: string[]) => Buffer.from([...lines, '', ''].join('\r\n'), 'latin1');

test('a check relays a TLS client to the target that it names, byte for byte, each side to its own end', async () => {
  const { port: target, heard } = await listener((socket) => {
    socket.once('data', () => socket.write('first '));
    socket.once('end', () => socket.end('last'));
  });
  const log = testLog();
  const { port } = await checking(target, { log });
  const bytes = Buffer.concat([clientHello({ names: ['API.test'], recordSize: 50 }), Buffer.from('more')]);
  const client = await tcpClient(port);
  for (const byte of bytes.subarray(0, 60)) client.write(Buffer.of(byte));
  client.write(bytes.subarray(60));
  expect((await readSome(client, 6)).toString()).toBe('first ');
  client.end();
  expect((await readAll(client)).toString()).toBe('last');
  expect(heard()).toEqual(bytes);
  expect((await log.line('connection ended')).fields).toMatchObject({
    target: `api.test:${target}`,
    ending: 'finished',
  });
});

test.each([
  ['another name', { names: ['evil.test'] }, 'unrecognized_name', 'not in TARGET', 'evil.test'],
  ['a name below', { names: ['x.api.test'] }, 'unrecognized_name', 'not in TARGET', 'x.api.test'],
  [
    'a NUL in it',
    { names: ['api.test\0.evil.test'] },
    'unrecognized_name',
    'not in TARGET',
    'api.test\0.evil.test',
  ],
  ['no name', { names: [] }, 'unrecognized_name', 'no name', null],
  [
    'two names',
    { names: ['api.test', 'evil.test'] },
    'unrecognized_name',
    'several names',
    'api.test evil.test',
  ],
  [
    'two server_names',
    { extensions: [extension(0, vector(2, Buffer.of(0), vector(2, Buffer.from('evil.test'))))] },
    'unrecognized_name',
    'several names',
    'api.test evil.test',
  ],
  ['something behind it', { trailer: Buffer.of(0) }, 'decode_error', 'malformed', null],
  ['another hello in it', { extensions: [OUTER_ECH] }, 'access_denied', 'encrypted name', 'api.test'],
] as const)(
  'a check refuses a hello with %s by an alert, and the target hears nothing',
  async (_what, hello, alert, rule, name) => {
    const { port: target, heard } = await listener();
    const log = testLog();
    const relay = await checking(target, { log, refuseEch: true, maxConnections: 1 });
    const client = await tcpClient(relay.port);
    client.write(clientHello(hello));
    expect((await readAll(client)).toString('hex')).toBe(ALERT[alert]);
    client.end();
    expect((await log.line('refused')).fields).toMatchObject({ rule, name, decision: 'refused' });
    expect([heard().length, relay.live]).toEqual([0, 0]);
  },
);

test('a check lets a hello through that hides another, unless told otherwise', async () => {
  const { port: target, heard } = await listener((socket) => socket.once('data', () => socket.end()));
  const { port } = await checking(target);
  const client = await tcpClient(port);
  client.write(clientHello({ extensions: [OUTER_ECH] }));
  expect(await endOf(client)).toBe(null);
  expect(heard().length).toBeGreaterThan(0);
});

const RETRY_RANDOM = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');
const serverHello = (random: Buffer) =>
  records(
    22,
    Buffer.concat([
      Buffer.of(2),
      vector(3, Buffer.of(3, 3), random, vector(1), Buffer.of(19, 1, 0), vector(2)),
    ]),
    30,
  );

test('a check reads the second hello too, when the target asks for one', async () => {
  const retry = serverHello(RETRY_RANDOM);
  const { port: target, heard } = await listener((socket) => socket.once('data', () => socket.write(retry)));
  const log = testLog();
  const { port } = await checking(target, { log });
  const second = async (name: string) => {
    const client = await tcpClient(port);
    client.write(clientHello());
    expect(await readSome(client, retry.length)).toEqual(retry);
    client.write(Buffer.concat([records(20, Buffer.of(1)), clientHello({ names: [name] })]));
    return client;
  };

  const evil = await second('evil.test');
  expect((await readAll(evil)).toString('hex')).toBe(ALERT.unrecognized_name);
  expect(heard().includes('evil.test')).toBe(false);
  const other = await second('www.test');
  expect((await readAll(other)).toString('hex')).toBe(ALERT.unrecognized_name);
  expect(heard().includes('www.test')).toBe(false);
  expect(log.lines.flatMap(({ fields }) => fields['rule'] ?? [])).toEqual(['not in TARGET', 'several names']);

  const before = heard().length;
  await second('API.test');
  await expect.poll(() => heard().length).toBe(before + 2 * clientHello().length + 6);
});

test('a check lets early data through that the target has no use for, as it asks for another hello', async () => {
  const retry = serverHello(RETRY_RANDOM);
  const { port: target, heard } = await listener((socket) => socket.once('data', () => socket.write(retry)));
  const { port } = await checking(target);
  const early = records(23, Buffer.alloc(3_000, 1));
  const client = await tcpClient(port);
  client.write(Buffer.concat([clientHello(), records(20, Buffer.of(1)), early]));
  expect(await readSome(client, retry.length)).toEqual(retry);
  const second = Buffer.concat([early, clientHello()]);
  client.write(second);
  await expect.poll(() => heard().subarray(-second.length)).toEqual(second);
});

test('a check holds a second hello back until the target has spoken', async () => {
  const release = Promise.withResolvers<Socket>();
  const { port: target, heard } = await listener((socket) =>
    socket.once('data', () => release.resolve(socket)),
  );
  const { port } = await checking(target);
  const client = await tcpClient(port);
  client.write(Buffer.concat([clientHello(), clientHello({ names: ['evil.test'] })]));
  const socket = await release.promise;
  expect(heard().length).toBe(clientHello().length);
  socket.write(serverHello(RETRY_RANDOM));
  expect((await readAll(client)).toString('hex')).toMatch(new RegExp(`${ALERT.unrecognized_name}$`));
  expect(heard().includes('evil.test')).toBe(false);
});

test('a check leaves the target when the client leaves before it has answered', async () => {
  const ended = Promise.withResolvers<string | null>();
  const { port: target } = await listener((socket) => void endOf(socket).then(ended.resolve));
  const relay = await checking(target);
  const client = await tcpClient(relay.port);
  client.write(clientHello());
  await expect.poll(() => relay.live).toBe(1);
  client.end();
  expect(await ended.promise).toBe('ECONNRESET');
  await expect.poll(() => relay.live).toBe(0);
});

test('a check resets a client when nobody says anything for too long', async () => {
  const { port: target } = await listener();
  const { port } = await checking(target, { idleTimeout: 200 });
  const client = await tcpClient(port);
  client.write(clientHello());
  expect(await endOf(client)).toBe('ECONNRESET');
});

test('a check holds back what a client says before its target answers, and passes it on then', async () => {
  const heard: Buffer[] = [];
  const { port: target } = await listener((socket) =>
    socket.on('data', (chunk: Buffer) => {
      if (heard.push(chunk) === 1) setTimeout(() => socket.write(Buffer.from('15030300020228', 'hex')), 100);
    }),
  );
  const { port } = await checking(target);
  const client = await tcpClient(port);
  const hello = clientHello();
  client.write(Buffer.concat([hello, Buffer.alloc(20_000, 'x')]));
  await readSome(client);
  expect(heard[0]).toEqual(hello);
  await expect.poll(() => Buffer.concat(heard).length).toBe(hello.length + 20_000);
});

test('a check resets a client that ends before its target has answered', async () => {
  const { port: target } = await listener();
  const { port } = await checking(target);
  const client = await tcpClient(port);
  client.end(clientHello());
  expect(await endOf(client)).toBe('ECONNRESET');
});

test('a check resets a client whose target resets instead of answering, and leaves nothing open', async () => {
  const { port: target } = await listener((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const log = testLog();
  const { port } = await checking(target, { log });
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  for (let i = 0; i < 20; i++) {
    const client = await tcpClient(port);
    client.write(clientHello());
    expect(await endOf(client)).toBe('ECONNRESET');
  }
  await expect.poll(descriptors).toBeLessThanOrEqual(before);
  const { fields } = await log.line('connection ended');
  expect(fields).toMatchObject({ ending: 'target aborted', sent: clientHello().length, received: 0 });
});

test('a check waits for a target that says nothing no longer than a client may idle', async () => {
  const { port: target } = await listener();
  const { port } = await checking(target, { idleTimeout: 1_500 });
  const client = await tcpClient(port);
  client.write(clientHello());
  const startedAt = performance.now();
  expect(await endOf(client)).toBe('ECONNRESET');
  expect(performance.now() - startedAt).toBeLessThan(2 * 1_500);
});

test('a check reads a bounded part of what a client says before its target answers, and loses none of it', async () => {
  const asked = Promise.withResolvers<Socket>();
  const { port: target, heard } = await listener((socket) =>
    socket.once('data', () => asked.resolve(socket)),
  );
  const reads: (() => number)[] = [];
  const { port } = await checking(target, {
    onConnection: (connection) => reads.push(countReads(connection)),
  });
  const read = () => reads[0]?.() ?? 0;
  const client = await tcpClient(port);
  const bytes = Buffer.concat([clientHello(), Buffer.alloc(2_000_000, 'early')]);
  client.write(bytes);
  const socket = await asked.promise;
  await expect.poll(read).toBeGreaterThan(64 * 1024);
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  expect(read()).toBeLessThan(4 * 64 * 1024);
  socket.write(serverHello(Buffer.alloc(32)));
  await expect.poll(() => heard().length).toBe(bytes.length);
  expect(heard().equals(bytes)).toBe(true);
});

test('a check reads a target’s answer however it is cut, and passes it on as it came', async () => {
  const answer = Buffer.concat([serverHello(Buffer.alloc(32)), Buffer.from('and more')]);
  const { port: target, heard } = await listener((socket) =>
    socket.once('data', () => {
      const writeFrom = (at: number) => {
        socket.write(answer.subarray(at, at + 1));
        if (at + 1 < answer.length) setImmediate(writeFrom, at + 1);
      };
      writeFrom(0);
    }),
  );
  const { port } = await checking(target);
  const client = await tcpClient(port);
  const hello = clientHello();
  client.write(Buffer.concat([hello, Buffer.from('early')]));
  expect(await readSome(client, answer.length)).toEqual(answer);
  client.write(' and late');
  await expect.poll(() => heard().subarray(hello.length).toString()).toBe('early and late');
});

test.each([
  ['an alert', '15030300020228'],
  ['half a ServerHello', '160303'],
  ['something else', '00'],
])('a check passes on %s, as the target ends with it', async (_what, hex) => {
  const { port: target } = await listener((socket) =>
    socket.once('data', () => socket.end(Buffer.from(hex, 'hex'))),
  );
  const log = testLog();
  const { port } = await checking(target, { log });
  const client = await tcpClient(port);
  const hello = clientHello();
  client.write(hello);
  expect((await readAll(client)).toString('hex')).toBe(hex);
  client.end();
  const { fields } = await log.line('connection ended');
  expect(fields).toMatchObject({ sent: hello.length, received: hex.length / 2 });
});

test('a check resets a client whose target cannot be reached', async () => {
  const log = testLog();
  const relay = await checking(await closedPort(), { log });
  const client = await tcpClient(relay.port);
  client.write(clientHello());
  expect(await endOf(client)).toBe('ECONNRESET');
  expect((await log.line('target unreachable')).fields['err']).toBeInstanceOf(Error);
  expect(relay.lastFailure).toMatch(/ECONNREFUSED/);
});

test('a check passes HTTP requests to several targets on one connection as they are', async () => {
  const { port: target, heard } = await listener((socket) =>
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
  );
  const { port } = await checking(target);
  const client = await tcpClient(port);
  const requests = [
    http('GET /a HTTP/1.1', 'Host: API.test:8080', 'x:  1\t'),
    http('GET http://www.test:80/b HTTP/1.1', 'Host: www.test'),
    http('LIST //c HTTP/1.1', 'Keep-Alive: 1', 'host:api.test', 'Connection: keep-alive'),
  ];
  for (const request of requests) {
    client.write(request);
    await readSome(client, 40);
  }
  expect(heard().toString()).toBe(Buffer.concat(requests).toString());
});

test('a check repeats no more of a name than a name may be long', async () => {
  const log = testLog();
  const { port } = await checking(1, { log });
  const [tls, plain] = [await tcpClient(port), await tcpClient(port)];
  tls.write(clientHello({ names: ['a'.repeat(60_000)] }));
  plain.write(http('GET / HTTP/1.1', `Host: ${'b'.repeat(3_000)}`));
  expect((await readAll(tls)).toString('hex')).toBe(ALERT.unrecognized_name);
  const answer = (await readAll(plain)).toString();
  expect(answer).toMatch(/^HTTP\/1\.1 403 [^]*b{255}\.\.\.b+ is not in TARGET\n$/);
  expect(answer.length).toBeLessThan(1_500);
  expect(JSON.stringify(log.lines).length).toBeLessThan(3_000);
});

test.each([
  ['GET / HTTP/1.1', ['Host: evil.test'], 403, 'evil.test is not in TARGET'],
  ['GET http://evil.test/ HTTP/1.1', ['Host: evil.test'], 403, 'evil.test is not in TARGET'],
  ['CONNECT evil.test:443 HTTP/1.1', ['Host: evil.test:443'], 403, 'evil.test is not in TARGET'],
  ['GET http://api.test/ HTTP/1.1', ['Host: evil.test'], 400, 'Host is not what'],
  ['GET http://api.test/ HTTP/1.1', ['Host: api.test:81'], 400, 'Host is not what'],
  ['CONNECT api.test:25 HTTP/1.1', ['Host: api.test:26'], 400, 'Host is not what'],
  ['CONNECT api.test:25 HTTP/1.1', ['Host: api.test'], 403, 'CONNECT goes to port'],
  ['GET / HTTP/1.1', ['Host: x.api.test'], 403, 'x.api.test is not in TARGET'],
  ['GET / HTTP/1.1', ['Host: 127.0.0.1'], 403, '127.0.0.1 is not in TARGET'],
  ['GET / HTTP/1.1', ['Host: [::1]'], 403, '::1 is not in TARGET'],
  ['GET / HTTP/1.1', [], 400, 'no Host'],
  ['GET / HTTP/1.0', [], 400, 'no Host'],
  ['GET / HTTP/1.1', ['Host:'], 400, 'no Host'],
  ['GET / HTTP/1.1', ['Host: api.test', 'Host: evil.test'], 400, 'more than one Host'],
  ['GET / HTTP/1.1', ['Host: api.test', 'hOsT: api.test'], 400, 'more than one Host'],
  ['GET / HTTP/1.1', ['Host: api.test evil.test'], 400, 'no host'],
  ['GET / HTTP/1.1', ['Host: evil.test@api.test'], 400, 'no host'],
  ['GET / HTTP/1.1', ['Host: api.test:80@evil.test'], 400, 'no host'],
  ['GET / HTTP/1.1', ['Host: api.test#evil.test'], 400, 'no host'],
  ['GET / HTTP/1.1', ['Host: api.test, evil.test'], 400, 'no host'],
  ['GET / HTTP/1.1', ['Host: \xc3\xa4pi.test'], 400, 'no host'],
  ['GET @evil.test/ HTTP/1.1', ['Host: api.test'], 400, ''],
  ['GET evil.test HTTP/1.1', ['Host: api.test'], 400, ''],
  ['GET * HTTP/1.1', ['Host: api.test'], 400, 'no request target'],
  ['GET / HTTP/2.0', ['Host: api.test'], 505, 'HTTP/2.0'],
  ['GET /', [], 400, 'line 1'],
  ['G\xe9T / HTTP/1.1', ['Host: api.test'], 400, ''],
])('a check refuses %j with %j by %i', async (line, fields, status, text) => {
  const { port: target, heard } = await listener();
  const log = testLog();
  const relay = await checking(target, { log });
  const client = await tcpClient(relay.port);
  client.write(http(line, ...fields));
  const answer = (await readAll(client)).toString();
  expect(answer.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
  expect(answer).toContain(text);
  expect((await log.line('refused')).fields).toMatchObject({ decision: 'refused' });
  expect([heard().length, relay.live]).toEqual([0, 0]);
});

test('a check speaks of HTTP/1.1 to who speaks HTTP/2 without TLS', async () => {
  const { port: target, heard } = await listener();
  const log = testLog();
  const { port } = await checking(target, { log });
  const client = await tcpClient(port);
  client.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  expect((await readAll(client)).toString('hex')).toBe(
    '000000040000000000000008070000000000000000000000000d',
  );
  expect((await log.line('refused')).fields).toMatchObject({ rule: 'HTTP/2' });
  expect(heard().length).toBe(0);
});

test.each([
  ['\x00\x01'],
  ['\x80\x2e\x01'],
  ['\x05\x01\x00'],
  ['\x15\x03\x01'],
  [' GET'],
  ['\nGET / HTTP/1.1\r\n'],
])('a check resets who opens with %j', async (opening) => {
  const { port: target, heard } = await listener();
  const log = testLog();
  const { port } = await checking(target, { log });
  const client = await tcpClient(port);
  client.write(Buffer.from(opening, 'latin1'));
  expect(await endOf(client)).toBe('ECONNRESET');
  expect((await log.line('refused')).fields).toMatchObject({ rule: 'neither TLS nor HTTP' });
  expect(heard().length).toBe(0);
});

test.each([4, 5])('a check tells of who speaks SOCKS%i what to change', async (version) => {
  const log = testLog();
  const { port } = await checking((await listener()).port, { log });
  const client = await tcpClient(port);
  client.write(Buffer.from([version, 1]));
  expect(await endOf(client)).toBe('ECONNRESET');
  expect((await log.line('refused')).fields).toMatchObject({
    rule: 'neither TLS nor HTTP',
    reason: expect.stringMatching(`^it speaks SOCKS${version}, .*take its proxy setting out`),
  });
});

test(
  'a check closes who does not come to a name within 5 s, and nobody waits for that',
  { timeout: 15_000 },
  async () => {
    const { port: target, heard } = await listener();
    const log = testLog();
    const relay = await checking(target, { log, maxConnections: 1 });
    const startedAt = performance.now();
    const ends = ['', '\x16\x03', 'P', 'GET / HTT', 'GET / HTTP/1.1\r\nHost: api.test\r\nX: '].map(
      async (opening) => {
        const client = await tcpClient(relay.port);
        client.write(Buffer.from(opening, 'latin1'));
        await readAll(client);
        client.end();
        return performance.now() - startedAt;
      },
    );
    const slowest = Math.max(...(await Promise.all(ends)));
    expect(slowest).toBeGreaterThan(4_900);
    expect(slowest).toBeLessThan(8_000);
    expect(log.lines.map(({ fields }) => fields['rule'])).toEqual(Array.from({ length: 5 }, () => 'silent'));
    expect([heard().length, relay.live, relay.waiting]).toEqual([0, 0, 0]);
  },
);

test('a check says nothing of who leaves without a word', async () => {
  const log = testLog();
  const relay = await checking(1, { log });
  (await tcpClient(relay.port)).destroy();
  const client = await tcpClient(relay.port);
  client.end();
  await endOf(client);
  const half = await tcpClient(relay.port);
  half.end('\x16');
  await endOf(half);
  expect(log.lines.map(({ message, fields }) => [message, fields['rule']])).toEqual([['refused', 'no name']]);
});

test('a check serves a client that closed its side while it waited for a slot', async () => {
  const { port: target } = await listener((socket) => {
    socket.on('data', (chunk: Buffer) => {
      if (chunk.toString().startsWith('GET')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  const relay = await checking(target, { maxConnections: 1 });
  const first = await tcpClient(relay.port);
  first.write(clientHello());
  await expect.poll(() => relay.live).toBe(1);
  const [plain, encrypted] = [await tcpClient(relay.port), await tcpClient(relay.port)];
  plain.end(http('GET / HTTP/1.1', 'Host: api.test', 'Connection: close'));
  encrypted.end(clientHello());
  await expect.poll(() => relay.waiting).toBe(2);
  await new Promise((resolve) => setTimeout(resolve, 50)); // for the FIN to be read
  first.destroy();
  expect((await readAll(plain)).toString()).toMatch(/ok$/);
  expect(await endOf(encrypted)).toBe('ECONNRESET'); // as it does when nobody has to wait
});

test('a check lets go of a silent client when a drain begins, and of a silent target when it ends', async () => {
  const { port: target } = await listener();
  const relay = await checking(target);
  const unnamed = await tcpClient(relay.port);
  const unanswered = await tcpClient(relay.port);
  unanswered.write(clientHello());
  await expect.poll(() => relay.live).toBe(1);
  const ending = new AbortController();
  const drained = relay.drain(ending.signal);
  expect(await endOf(unnamed)).toBe('ECONNRESET');
  ending.abort();
  expect(await endOf(unanswered)).toBe('ECONNRESET');
  await drained;
});

test('a check goes on within a tunnel that CONNECT has opened at the target', async () => {
  const { port: target, heard } = await listener((socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 200 Fine\r\n\r\n')),
  );
  const { port } = await checking(target);
  const open = async () => {
    const client = await tcpClient(port);
    client.write(http(`CONNECT api.test:${target} HTTP/1.1`, `Host: api.test:${target}`));
    await readSome(client, 21);
    return client;
  };
  const good = await open();
  good.write(clientHello());
  await expect.poll(() => heard().includes(clientHello())).toBe(true);
  const bad = await open();
  bad.write(clientHello({ names: ['www.test'] }));
  expect((await readAll(bad)).toString('hex')).toBe(ALERT.unrecognized_name);
  const plain = await open();
  plain.write(http('GET / HTTP/1.1', 'Host: www.test'));
  expect((await readAll(plain)).toString()).toMatch(/^HTTP\/1\.1 403 /);
  expect(heard().includes('www.test')).toBe(false);
});

test('a check opens no tunnel when the target does not, and goes on with the next request', async () => {
  const { port: target, heard } = await listener((socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n')),
  );
  const { port } = await checking(target);
  const client = await tcpClient(port);
  client.write(
    Buffer.concat([
      http(`CONNECT api.test:${target} HTTP/1.1`, 'Host: api.test'),
      http('GET / HTTP/1.1', 'Host: evil.test'),
    ]),
  );
  expect((await readAll(client)).toString()).toMatch(
    /^HTTP\/1\.1 405 No\r\nContent-Length: 0\r\n\r\nHTTP\/1\.1 403 /,
  );
  expect(heard().includes('evil.test')).toBe(false);
});

test.each([
  ['says nothing', ''],
  ['begins a ClientHello', clientHello().subarray(0, 40)],
  ['begins a request', 'GET / HTTP/1.1\r\nHost: api'],
])('who %s is one of a bounded number, of whom the oldest is sent away', async (_what, said) => {
  const { port: target } = await listener((socket) =>
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  );
  const nameless = new Crowd({ size: 2, bytes: 1_000_000, leaver: 'oldest' });
  const relay = await checking(target, { nameless });
  const clients: Socket[] = [];
  for (let i = 0; i < 4; i++) {
    const client = await tcpClient(relay.port);
    if (said.length > 0) client.write(said);
    clients.push(client);
    await expect.poll(() => relay.counts().opened).toBe(i + 1);
  }
  const [first, second] = clients as [Socket, Socket];
  expect(await Promise.all([endOf(first), endOf(second)])).toEqual(['ECONNRESET', 'ECONNRESET']);
  expect(relay.counts().refused).toEqual({ 'too many clients': 2 });
  const named = await tcpClient(relay.port);
  named.write(http('GET / HTTP/1.1', 'Host: api.test', 'Connection: close'));
  expect((await readAll(named)).toString()).toContain('200 OK');
});

test('who has not named anybody holds a bounded number of bytes', async () => {
  const nameless = new Crowd({ size: 100, bytes: 50_000, leaver: 'oldest' });
  const relay = await checking(await closedPort(), { nameless });
  const begun = Buffer.from(`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`);
  const clients = await Promise.all([1, 2, 3].map(async () => tcpClient(relay.port)));
  for (const client of clients) client.write(begun);
  expect(await Promise.race(clients.map((client) => endOf(client)))).toBe('ECONNRESET');
  expect(Object.keys(relay.counts().refused)).toEqual(['too many clients']);
  expect(clients.some(({ destroyed }) => !destroyed)).toBe(true);
});

test('a client that has been refused has 5 s to leave, in which what it still sends does not reset it', async () => {
  const relay = await checking(await closedPort());
  const client = await tcpClient(relay.port);
  client.write(clientHello({ names: ['evil.test'] }));
  expect((await readAll(client)).toString('hex')).toBe(ALERT.unrecognized_name);
  const endedAt = performance.now();
  const talking = setInterval(() => client.write('and'), 50);
  await new Promise((resolve) => client.on('error', () => {}).once('close', resolve));
  clearInterval(talking);
  expect(performance.now() - endedAt).toBeGreaterThan(4_800);
});

test('a client that has been refused counts until it has left', async () => {
  const nameless = new Crowd({ size: 1, bytes: 1_000_000, leaver: 'oldest' });
  const relay = await checking(await closedPort(), { nameless });
  const refused = await tcpClient(relay.port);
  refused.write(clientHello({ names: ['evil.test'] }));
  expect((await readSome(refused)).toString('hex')).toBe(ALERT.unrecognized_name);
  await tcpClient(relay.port);
  // What a socket is sent that is closed is answered by a reset.
  const isClosed = () => {
    refused.write('x');
    return refused.destroyed;
  };
  await expect.poll(isClosed, { timeout: 4_000 }).toBe(true); // before it would be closed anyway
});
