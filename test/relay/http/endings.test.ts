import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { expect, onTestFinished, test, vi } from 'vitest';

import { proxyTo, say, scriptedServer } from '../../helpers/http-relay.ts';
import { testLog } from '../../helpers/relay.ts';
import { endOf, isWindowShut, readAll, readSome, tcpClient, tcpServer } from '../../helpers/sockets.ts';

const HELLO = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A GET of api.test through the proxy. */
const get = (target: number, fields = '') =>
  `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n${fields}\r\n`;

/** A server that answers once on each connection, with so many bytes, and then ends it as it likes. */
const answersOnce = (head: string, size: number, { ends }: { readonly ends: boolean }) =>
  scriptedServer((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${head}Content-Length: ${size}\r\n\r\n`);
    socket.write(Buffer.alloc(size, 'a'));
    if (ends) socket.end();
    socket.resume();
  });

test.each([
  ['Connection: close', 'Connection: close\r\n', 2, true],
  ['Connection: close, when that is much', 'Connection: close\r\n', 1_000_000, true],
  ['Connection: close, and stays', 'Connection: close\r\n', 1_000_000, false],
  ['no more than a FIN behind it', '', 1_000_000, true],
])(
  'a target that answers the first of several requests with %s has its client read that whole, and end',
  async (_how, head, size, ends) => {
    const { port: target, heads } = await answersOnce(head, size, { ends });
    const log = testLog();
    const { port } = await proxyTo([target], { log });
    const client = await tcpClient(port);
    client.write(get(target).repeat(3));
    const start = await readSome(client, 1);
    client.write(get(target)); // what is unread at the end must not reset it
    await log.line('connection ended'); // all is in the kernel by then, and would be lost by a reset
    const rest = await readAll(client);
    client.end();
    expect(start.length + rest.length - start.indexOf('\r\n\r\n') - 4).toBe(size);
    expect(heads.length).toBe(1);
    expect(log.lines.length).toBe(1);
  },
);

test('a client that asks to close reads its answer whole, whatever it sends behind that', async () => {
  const { port: target } = await answersOnce('', 1_000_000, { ends: false });
  const log = testLog();
  const { port } = await proxyTo([target], { log });
  const client = await tcpClient(port);
  client.write(get(target, 'Connection: close\r\n'));
  const start = await readSome(client, 1);
  client.write(get(target).repeat(3));
  await log.line('connection ended');
  expect(start.length + (await readAll(client)).length).toBeGreaterThan(1_000_000);
});

test.each([
  ['a status below 100', 'HTTP/1.1 099 x\r\nContent-Length: 1\r\n\r\nabc'],
  ['a status of 000', 'HTTP/1.1 000 x\r\nContent-Length: 1\r\n\r\nabc'],
  ['a control character in its reason', 'HTTP/1.1 200 a\x01b\r\nContent-Length: 1\r\n\r\nabc'],
  ['no head', '\x00\x01\x02'],
  ['LF alone', 'HTTP/1.1 200 OK\nContent-Length: 1\n\nabc'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nabc'],
  ['chunks that are none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc'],
])(
  'a target that answers with %s is passed on to its end, and no request behind it',
  async (_what, answer) => {
    const { port: target, heads } = await scriptedServer((socket) => {
      socket.write(answer, 'latin1', () => setTimeout(() => socket.end('the end'), 20));
    });
    const relay = await proxyTo([target]);
    expect(await say(relay.port, get(target))).toBe(`${answer}the end`);
    expect(heads.length).toBe(1);
    const post = `POST http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok`;
    const isBegun = /chunked/.test(answer);
    const outcome = await say(relay.port, post).catch(String);
    expect(outcome).toMatch(isBegun ? /ECONNRESET/ : /^HTTP\/1\.1 502 [^]*it cannot be read/);
  },
);

test.each([
  ['101 unasked', 'HTTP/1.1 101 Switching\r\n\r\n'],
  ['101 unasked, and a protocol', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n'],
])('a target that answers with %s, and breaks off, is no answer', async (_what, answer) => {
  const { port: target } = await scriptedServer((socket) => {
    socket.write(answer, 'latin1', () => setTimeout(() => socket.resetAndDestroy(), 20));
  });
  const relay = await proxyTo([target]);
  expect(await say(relay.port, get(target))).toMatch(/^HTTP\/1\.1 502 [^]*no answer from api\.test/);
  await expect.poll(() => relay.live).toBe(0);
});

test.each(['FIN', 'RST'])(
  'a target that ends by %s at a second request ends its client without a word, and with a FIN',
  async (how) => {
    const { port: target } = await tcpServer((socket) => {
      socket.once('data', () => {
        socket.write(HELLO);
        socket.once('data', () => (how === 'FIN' ? socket.end() : socket.resetAndDestroy()));
      });
    });
    const { port } = await proxyTo([target]);
    const client = await tcpClient(port);
    client.write(get(target));
    await readSome(client, HELLO.length);
    client.write(get(target));
    expect((await readAll(client)).toString()).not.toContain('HTTP');
  },
);

test.each(['FIN', 'RST'])(
  'a target that has ended a tunnel by %s before a request in it is no answer',
  async (how) => {
    const { port: target, server } = await tcpServer(() => {});
    const reached = once(server, 'connection');
    const relay = await proxyTo([target], { isChecked: true });
    const client = await tcpClient(relay.port);
    client.write(`CONNECT api.test:${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await readSome(client, 39);
    const [socket] = (await reached) as [Socket];
    if (how === 'FIN') socket.end();
    else socket.resetAndDestroy();
    await once(socket, how === 'FIN' ? 'finish' : 'close');
    client.write('GET / HTTP/1.1\r\nHost: api.test\r\n\r\n');
    expect((await readAll(client)).toString()).toMatch(
      /^HTTP\/1\.1 502 [^]*it (has ended the connection|was reset)/,
    );
    client.end();
    await expect.poll(() => relay.live).toBe(0);
  },
);

test.each([
  ['a wrong Host', 'GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n', /^HTTP\/1\.1 403 /],
  ['no request', 'nonsense\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['a FIN', '', /ECONNRESET/],
])('a tunnel that comes to %s leaves nothing open at the target', async (_what, said, answer) => {
  const ended = Promise.withResolvers<string | null>();
  const { port: target } = await tcpServer((socket) => void endOf(socket).then(ended.resolve));
  const relay = await proxyTo([target], { isChecked: true, maxConnections: 1 });
  const client = await tcpClient(relay.port);
  client.write(`CONNECT api.test:${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await readSome(client, 39);
  client.end(said);
  expect(String(await readAll(client).catch((cause: unknown) => cause))).toMatch(answer);
  expect(await ended.promise).toBe('ECONNRESET');
  await expect.poll(() => relay.live).toBe(0);
});

const SIZE = 8_000_000;
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: echo\r\n';

test('CONNECT waits for the answers before it', async () => {
  const first = Promise.withResolvers<Socket>();
  const { port: target, server } = await tcpServer((socket) => first.resolve(socket));
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  client.write(`${get(target)}CONNECT api.test:${target} HTTP/1.1\r\nHost: x\r\n\r\nwithin`);
  const socket = await first.promise;
  const tunnel = once(server, 'connection');
  socket.write(HELLO);
  const all = `${HELLO}HTTP/1.1 200 Connection Established\r\n\r\n`;
  expect((await readSome(client, all.length)).toString()).toBe(all);
  expect((await readSome((await tunnel)[0] as Socket, 6)).toString()).toBe('within');
});

test.each([
  ['CONNECT in HTTP/1.0', 'CONNECT api.test:PORT HTTP/1.0\r\n\r\n'],
  [
    'CONNECT with Connection: close',
    'CONNECT api.test:PORT HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  ],
  [
    'Upgrade with Connection: close',
    'GET http://api.test:PORT/ HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: echo\r\n\r\n',
  ],
])('%s loses nothing of what comes with it', async (_what, request) => {
  let received = '';
  const { port: target } = await tcpServer((socket) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString();
      if (received.startsWith('GET') && received.endsWith('\r\n\r\n'))
        socket.write('HTTP/1.1 101 Switching\r\nUpgrade: echo\r\n\r\n');
    });
  });
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  client.write(`${request.replace('PORT', String(target))}early `);
  await readSome(client, 38);
  client.write('late');
  await expect.poll(() => received).toMatch(/(^|\r\n\r\n)early late$/);
});

test('nothing is sent behind a request for another protocol before its answer', async () => {
  const first = Promise.withResolvers<Socket>();
  let received = '';
  const { port: target } = await tcpServer((socket) => {
    first.resolve(socket);
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  });
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  client.write(`${get(target)}${get(target, UPGRADE)}raw`);
  const socket = await first.promise;
  await expect.poll(() => received.match(/^GET/gm)?.length).toBe(2);
  socket.write(HELLO);
  await readSome(client, HELLO.length);
  expect(received).toMatch(/\r\n\r\n$/);
  const agreed = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\nraw';
  socket.write(agreed);
  expect((await readSome(client, agreed.length)).toString()).toBe(agreed);
  await expect.poll(() => received).toMatch(/\r\n\r\nraw$/);
});

test('a target that does not agree to another protocol may say so at length to a client that reads slowly', async () => {
  const head = `HTTP/1.1 426 Upgrade Required\r\nContent-Length: ${SIZE}\r\n\r\n`;
  const { port: target } = await scriptedServer((socket) => {
    socket.write(head);
    socket.write(Buffer.alloc(SIZE, 'a'));
  });
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  client.write(get(target, UPGRADE));
  await once(client, 'readable');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect((await readSome(client, head.length + SIZE)).length).toBe(head.length + SIZE);
});

test('a client that is gone when its target changes the protocol ends nobody else', async () => {
  const asked = Promise.withResolvers<Socket>();
  const { port: target } = await tcpServer((socket) => {
    socket.once('data', () => asked.resolve(socket));
  });
  const log = testLog();
  const { port } = await proxyTo([target], { log });
  const client = await tcpClient(port);
  client.write(get(target, 'Connection: Upgrade\r\nUpgrade: websocket\r\n'));
  const upstream = await asked.promise;
  client.destroy();
  await once(client, 'close');
  // The first answer has the client's host reset the connection, so that the second finds it gone.
  upstream.write(
    'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  );
  await log.line('connection ended');
  expect(await endOf(upstream)).not.toBe(null);
});

test('a client that idles between requests ends with a FIN, and within one with a reset', async () => {
  const { port: target } = await scriptedServer((socket) => {
    socket.write(HELLO);
    socket.resume();
  });
  const log = testLog();
  const { port } = await proxyTo([target], { log, idleTimeout: 1_000 });
  expect(await say(port, get(target))).toMatch(/ok$/);
  expect((await log.line('connection ended')).fields).toMatchObject({ ending: 'idle' });

  const client = await tcpClient(port);
  client.write(get(target) + get(target));
  expect(await endOf(client)).toBe('ECONNRESET');
  expect(log.lines.map(({ fields }) => fields['ending'])).toEqual(['idle', 'idle']);
});

test('a client that waits for a slot does not idle, and may have closed its side', async () => {
  const { port: target } = await scriptedServer((socket) => socket.write(HELLO));
  const relay = await proxyTo([target], { maxConnections: 1, idleTimeout: 300 });
  const first = await tcpClient(relay.port);
  first.write(get(target));
  await readSome(first, HELLO.length);
  const [waiting, closed] = [await tcpClient(relay.port), await tcpClient(relay.port)];
  waiting.write(get(target, 'Connection: close\r\n'));
  closed.end(get(target));
  await expect.poll(() => relay.waiting).toBe(2);
  const startedAt = performance.now();
  const busy = setInterval(() => first.write('G'), 50); // of a head that never ends
  await new Promise((resolve) => setTimeout(resolve, 600));
  clearInterval(busy);
  expect(performance.now() - startedAt).toBeGreaterThan(2 * 300 - 10);
  first.destroy();
  expect((await readAll(waiting)).toString()).toMatch(/ok$/);
  waiting.end();
  expect((await readAll(closed)).toString()).toMatch(/ok$/);
});

test.each([
  ['the close', 'HTTP/1.1 200 OK\r\n\r\nto the end'],
  ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
])(
  'behind an answer that ends with %s nothing is said of a request that is refused, but in the log',
  async (_what, answer) => {
    const { port: target } = await scriptedServer((socket) => socket.end(answer));
    const log = testLog();
    const { port } = await proxyTo([target], { log });
    expect(await say(port, get(target) + get(target).replace('api.test', 'evil.test'))).toBe(answer);
    expect((await log.line('refused')).fields).toMatchObject({ name: `evil.test:${target}` });
  },
);

test('a last answer reaches a client whole that reads slowly and closes its side meanwhile', async () => {
  const { port: target } = await answersOnce('Connection: close\r\n', SIZE, { ends: true });
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  client.write(get(target));
  await once(client, 'readable');
  await new Promise((resolve) => setTimeout(resolve, 100));
  client.end();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect((await readAll(client)).length).toBeGreaterThan(SIZE);
});

test('a client has 5 s to end behind the last answer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { port: target } = await answersOnce('Connection: close\r\n', 2, { ends: true });
  const relay = await proxyTo([target]);
  const client = await tcpClient(relay.port);
  client.write(get(target));
  expect((await readAll(client)).toString()).toMatch(/aa$/);
  vi.advanceTimersByTime(4_999);
  await nextTurn();
  expect(relay.live).toBe(1);
  vi.advanceTimersByTime(1);
  while (relay.live > 0) await nextTurn();
});

/** A client that uploads, and reads nothing of an answer that is longer than all kernels on its way take. */
async function stalled() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const answering = Promise.withResolvers<Socket>();
  const { port: target } = await scriptedServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 64000000\r\n\r\n');
    socket.write(Buffer.alloc(64_000_000));
    answering.resolve(socket);
  });
  const log = testLog();
  const relay = await proxyTo([target], { log });
  const client = await tcpClient(relay.port);
  client.write(`POST http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
  const upstream = await answering.promise;
  while (!relay.isFull(0) || !isWindowShut(client.localPort, relay.port)) await nextTurn();
  return { relay, log, client, upstream };
}

test('a client has 5 s to read what there is of an answer that is cut off, and is reset', async () => {
  const { relay, log, client } = await stalled();
  client.write('no chunk\r\n');
  await log.line('connection ended');
  vi.advanceTimersByTime(4_999);
  await nextTurn();
  expect(relay.live).toBe(1);
  vi.advanceTimersByTime(1);
  while (relay.live > 0) await nextTurn();
  expect(await endOf(client)).toBe('ECONNRESET');
});

test('a client has 5 s to read what a target has sent that was reset, and is reset', async () => {
  const { relay, log, client, upstream } = await stalled();
  const timers = vi.getTimerCount();
  upstream.resetAndDestroy();
  while (vi.getTimerCount() === timers) {
    client.write('1\r\nx\r\n'); // over a stream, no more than a write tells that the target is gone
    await nextTurn();
  }
  vi.advanceTimersByTime(4_999);
  await nextTurn();
  expect([relay.live, log.lines]).toEqual([1, []]);
  vi.advanceTimersByTime(1);
  expect((await log.line('connection ended')).fields).toMatchObject({ ending: 'target aborted' });
  while (relay.live > 0) await nextTurn();
  expect(await endOf(client)).toBe('ECONNRESET');
});

test('a target that changes the protocol unasked is no answer, though it has answered before', async () => {
  const { port: target } = await tcpServer((socket) => {
    socket.once('data', () => {
      socket.write(HELLO);
      socket.once('data', () => socket.write('HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n'));
    });
  });
  const log = testLog();
  const { port } = await proxyTo([target], { log });
  const client = await tcpClient(port);
  client.write(get(target));
  await readSome(client, HELLO.length);
  client.write(get(target));
  expect((await readAll(client)).toString()).toMatch(/^HTTP\/1\.1 502 [^]*unasked\n$/);
  await log.line('no answer from the target');
});

test('clients that are gone while their last answer streams are let go of', async () => {
  const { port: target } = await scriptedServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const stream = setInterval(() => socket.write(Buffer.alloc(100_000)), 5);
    socket.once('close', () => clearInterval(stream));
  });
  const relay = await proxyTo([target]);
  const clients = await Promise.all(Array.from({ length: 20 }, () => tcpClient(relay.port)));
  for (const client of clients) client.write(get(target, 'Connection: close\r\n'));
  await Promise.all(clients.map((client) => once(client, 'readable')));
  for (const client of clients) client.resetAndDestroy();
  await expect.poll(() => relay.live, { timeout: 10_000 }).toBe(0);
});

test('an upload goes on behind the whole answer to it, and the next request is answered', async () => {
  const uploads: number[] = [];
  const { port: target } = await scriptedServer((socket) => {
    const place = uploads.push(0) - 1;
    socket.write(HELLO);
    socket.on('data', (chunk: Buffer) => (uploads[place] = (uploads[place] ?? 0) + chunk.length));
  });
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  client.write(`POST http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf`);
  await readSome(client, HELLO.length);
  client.write(Buffer.alloc(100_000 - 4));
  await expect.poll(() => uploads).toEqual([100_000]);
  client.write(get(target));
  expect((await readSome(client, HELLO.length)).toString()).toBe(HELLO);
});
