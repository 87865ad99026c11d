import { once } from 'node:events';
import type { Socket } from 'node:net';

import { expect, test } from 'vitest';

import { checkTo, say, scriptedServer } from '../../helpers/http-relay.ts';
import { testLog } from '../../helpers/relay.ts';
import { readAll, readSome, tcpClient, tcpServer } from '../../helpers/sockets.ts';

const HOST = 'Host: api.test\r\n';
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A relay to a server that answers each head with the same, and what it has read. */
async function answering(answer: string) {
  const { port: target, heads } = await scriptedServer((socket) => socket.write(answer, 'latin1'));
  const log = testLog();
  const { port } = await checkTo(target, { log });
  return { port, heads, log };
}

test.each([204, 304, 413])(
  'an early %i reaches a client whose upload its target leaves unread',
  async (status) => {
    const length = status === 413 ? 'Content-Length: 0\r\n' : '';
    const answer = `HTTP/1.1 ${status} Early\r\n${length}\r\n`;
    const { port: target } = await scriptedServer((socket) => {
      socket.write(answer, () => socket.resetAndDestroy());
    });
    const { port } = await checkTo(target);
    const upload = `POST / HTTP/1.1\r\n${HOST}Content-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`;
    const talks = Array.from({ length: 20 }, () => say(port, upload));
    expect(await Promise.all(talks)).toEqual(talks.map(() => answer));
  },
);

test.each([
  ['HEAD', 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['GET', 'HTTP/1.1 304 Not Modified\r\nTrailer: X-Sum\r\n\r\n'],
  ['GET', 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nok'],
])(
  'a Trailer field without chunks is passed on, in a request by %s and in its answer %j',
  async (method, answer) => {
    const { port, heads } = await answering(answer);
    const head = `${method} / HTTP/1.1\r\n${HOST}Trailer: X-Sum\r\n\r\n`;
    const client = await tcpClient(port);
    client.write(head);
    expect((await readSome(client, answer.length)).toString()).toBe(answer);
    expect(heads).toEqual([head]);
  },
);

test.each([
  [
    'with content',
    `POST / HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}`,
  ],
  ['without', `GET / HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n`],
])(
  'a request for another protocol %s leads there, though the answer has no Connection field',
  async (_what, request) => {
    const connected = Promise.withResolvers<Socket>();
    const { port: target } = await tcpServer((socket) => {
      let received = '';
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString();
        if (/\r\n\r\n(\{\})?$/.test(received)) connected.resolve(socket);
      });
    });
    const { port } = await checkTo(target);
    const client = await tcpClient(port);
    client.write(request);
    const socket = await connected.promise;
    const first = 'HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nprompt$ ';
    socket.write(first);
    expect((await readSome(client, first.length)).toString()).toBe(first);
    client.write('ls\n');
    expect((await readSome(socket)).toString()).toBe('ls\n');
  },
);

test.each(['h2c', 'websocket, H2C', 'TLS/1.2'])(
  'an offer of %s goes on without it, and 101 is refused',
  async (protocol) => {
    const { port, heads, log } = await answering(
      'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    );
    const offer = `Connection: x, Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAA\r\n`;
    expect(await say(port, `GET / HTTP/1.1\r\n${HOST}${offer}\r\n`)).toMatch(
      /^HTTP\/1\.1 502 [^]*unasked\n$/,
    );
    expect(heads).toEqual([`GET / HTTP/1.1\r\n${HOST}Connection: x\r\n\r\n`]);
    expect((await log.line('no answer from the target')).fields['err']).toMatchObject({
      name: 'AnswerError',
    });
  },
);

test('a 101 to a protocol that hides names is refused', async () => {
  const { port } = await answering('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n');
  const request = `GET / HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  expect(await say(port, request)).toMatch(/^HTTP\/1\.1 502 /);
});

test('Upgrade in HTTP/1.0 means nothing: it is passed on, nothing behind it, and 101 is refused', async () => {
  const { port, heads } = await answering(
    'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: ws\r\n\r\n',
  );
  const request = `GET / HTTP/1.0\r\n${HOST}Connection: Upgrade, keep-alive\r\nUpgrade: ws\r\n\r\n`;
  expect(await say(port, `${request}${GET}`)).toMatch(/^HTTP\/1\.1 502 /);
  expect(heads).toEqual([request]);
});

const FIELDS = Array.from({ length: 1_500 }, (_, i) => `X-${i}: 1\r\n`).join('');
test.each([
  ['gzip in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n\x1f\x8b\r\n0\r\n\r\n'],
  [
    'chunks with spaces',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2  \r\nok\r\n0 ; a="b c"\r\nHost: x\r\n\r\n',
  ],
  ['1,500 fields', `HTTP/1.1 200 OK\r\n${FIELDS}Set-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok`],
  [
    '426',
    'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno',
  ],
  ['the same length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok'],
  ['a status of 799', 'HTTP/1.1 799 \r\nContent-Length:2 \r\nx: \xff\t\r\n\r\nok'],
  ['100 and 103', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n${OK}`],
])('an answer with %s is passed on as it came, and the next request is answered', async (_what, answer) => {
  const { port: target, server } = await tcpServer((socket) => {
    socket.on('data', () => {
      for (const byte of Buffer.from(answer, 'latin1')) socket.write(Buffer.of(byte));
    });
  });
  const { port } = await checkTo(target);
  const client = await tcpClient(port);
  let connections = 0;
  server.on('connection', () => connections++);
  for (let i = 0; i < 2; i++) {
    client.write(GET);
    expect((await readSome(client, answer.length)).toString('latin1')).toBe(answer);
  }
  expect(connections).toBe(1);
});

test.each(['LIST', 'VERSION-CONTROL', "!#$%&'*+.^_`|~0", 'get'])(
  'the method %s is passed on',
  async (method) => {
    const { port, heads } = await answering(OK);
    const client = await tcpClient(port);
    const head = `${method} /v1/secret HTTP/1.1\r\n${HOST}\r\n`;
    client.write(head);
    expect((await readSome(client, OK.length)).toString()).toBe(OK);
    expect(heads).toEqual([head]);
  },
);

test('empty lines before requests are dropped, a few of them', async () => {
  const { port: target } = await tcpServer((socket) =>
    socket.on('data', (chunk: Buffer) => socket.write(chunk)),
  );
  const { port } = await checkTo(target);
  const client = await tcpClient(port);
  client.write('\r\n');
  client.write('\r');
  client.write(`\n${GET}`);
  // What it echoes is no answer, and goes on to the close.
  expect((await readSome(client, GET.length)).toString()).toBe(GET);
  expect(await say(port, `${'\r\n'.repeat(5)}${GET}`)).toMatch(/^HTTP\/1\.1 400 [^]*empty lines/);
});

test.each([
  ['HTTP/1.0', `GET / HTTP/1.0\r\n${HOST}\r\n`],
  ['Connection: close', `GET / HTTP/1.1\r\n${HOST}Connection: x, CLOSE\r\n\r\n`],
])('behind a request with %s nothing is read', async (_what, request) => {
  const { port, heads } = await answering(OK);
  expect(await say(port, request + GET)).toBe(OK);
  expect(heads).toEqual([request]);
});

test('HTTP/1.0 is kept alive where both sides want that', async () => {
  const kept = 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok';
  const { port: target } = await tcpServer((socket) => socket.on('data', () => socket.write(kept)));
  const { port } = await checkTo(target);
  const client = await tcpClient(port);
  for (let i = 0; i < 3; i++) {
    client.write(`GET / HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`);
    expect((await readSome(client, kept.length)).toString()).toBe(kept);
  }
});

test.each([
  ['', ''],
  ['connection: Keep-Alive , x,close\r\nKeep-Alive: 5\r\nConnection: keep-alive\r\n', 'connection: x\r\n'],
])('a request with content closes: %j gives way to a first field of ours', async (fields, kept) => {
  const { port, heads } = await answering(OK);
  const head = (options: string) => `X:  \xff\r\n${HOST}${options}Content-Length: 2\r\n\r\n`;
  const client = await tcpClient(port);
  client.write(`POST / HTTP/1.1\r\n${head(fields)}ok`, 'latin1');
  expect((await readSome(client, OK.length)).toString()).toBe(OK);
  expect(heads).toEqual([`POST / HTTP/1.1\r\nConnection: close\r\n${head(kept)}`]);
});

test('behind a request with content, the next one has a new connection to the target', async () => {
  const { port, heads } = await answering(OK);
  const client = await tcpClient(port);
  const post = `POST / HTTP/1.1\r\n${HOST}Content-Length: ${GET.length}\r\n\r\n${GET}`;
  let received = '';
  client.on('data', (chunk: Buffer) => (received += chunk.toString()));
  client.write(post + post + GET + GET);
  // Of each connection, the server reads the first head alone.
  await expect.poll(() => received).toBe(OK.repeat(3));
  expect(heads.map((head) => head.slice(0, 5))).toEqual(['POST ', 'POST ', 'GET /']);
});

test('a refusal waits for the answers before it, and nothing behind it is sent', async () => {
  const { port: target, heads } = await scriptedServer((socket) => setTimeout(() => socket.write(OK), 50));
  const { port } = await checkTo(target);
  const bad = `POST / HTTP/1.1\r\nHost: bad.test\r\nContent-Length: ${GET.length}\r\n\r\n${GET}`;
  expect(await say(port, GET + bad + GET)).toMatch(
    /^HTTP\/1\.1 200 [^]*\r\n\r\nokHTTP\/1\.1 403 [^]*bad\.test is not in TARGET\n$/,
  );
  expect(heads).toEqual([GET]);
});

test('what a target sends unasked is not passed on', async () => {
  const { port } = await answering(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`);
  const client = await tcpClient(port);
  client.write(GET);
  expect((await readAll(client)).toString()).toBe(OK);
});

test('an idle client gives its slot to one that waits, the longest idle first, by a FIN', async () => {
  const { port: target } = await tcpServer((socket) => socket.on('data', () => socket.write(OK)));
  const relay = await checkTo(target, { maxConnections: 2 });
  const idle = [await tcpClient(relay.port), await tcpClient(relay.port)] as const;
  const askedAt = performance.now();
  for (const client of idle) {
    client.write(GET);
    await readSome(client, OK.length);
  }
  const waiting = await tcpClient(relay.port);
  waiting.write(GET);
  idle[0].resume();
  await once(idle[0], 'end');
  expect(performance.now() - askedAt).toBeGreaterThan(900);
  idle[0].end();
  expect((await readSome(waiting, OK.length)).toString()).toBe(OK);
  idle[1].write(GET);
  expect((await readSome(idle[1], OK.length)).toString()).toBe(OK);
  expect([relay.live, relay.waiting]).toEqual([2, 0]);
});

test('an upload goes on while its client does not read an answer that has begun', async () => {
  const size = 16_000_000;
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`;
  let uploaded = 0;
  const { port: target } = await scriptedServer((socket) => {
    socket.write(head);
    socket.write(Buffer.alloc(size));
    socket.on('data', (chunk: Buffer) => (uploaded += chunk.length));
  });
  const { port } = await checkTo(target);
  const client = await tcpClient(port);
  client.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: ${size}\r\n\r\n`);
  client.write(Buffer.alloc(size));
  await expect.poll(() => uploaded, { timeout: 10_000 }).toBe(size);
  client.resume();
  await expect.poll(() => client.bytesRead, { timeout: 10_000 }).toBe(head.length + size);
});
