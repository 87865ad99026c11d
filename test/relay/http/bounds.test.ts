import { once } from 'node:events';
import type { Socket } from 'node:net';

import { expect, test } from 'vitest';

import { proxyTo, scriptedServer, webServer } from '../../helpers/http-relay.ts';
import { testLog } from '../../helpers/relay.ts';
import { readSome, tcpClient, tcpServer } from '../../helpers/sockets.ts';

/** What is read at a time, of streams, in bytes. */
const READ = 65_536;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Writes the same again and again until the other side reads no more, or so much has been written. */
async function flood(socket: Socket, bytes: Buffer, most: number): Promise<void> {
  for (let written = 0; written < most && !socket.destroyed; written += bytes.length) {
    if (socket.write(bytes)) continue;
    const drained = new Promise((resolve) => socket.once('drain', () => resolve(true)));
    const isStuck = new Promise((resolve) => setTimeout(() => resolve(false), 500));
    if (!(await Promise.race([drained, isStuck]))) return;
  }
}

test.each([
  ['whose first is not answered', 100],
  ['that wait for a slot', 1],
])('proxyHttp() reads a bounded number of requests %s', async (_which, maxConnections) => {
  const { port: target } = await scriptedServer((socket) => socket.resume());
  const relay = await proxyTo([target], { maxConnections });
  const get = `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\n`;
  const first = await tcpClient(relay.port);
  first.write(get);
  await expect.poll(() => relay.live).toBe(1);

  const client = await tcpClient(relay.port);
  await flood(client, Buffer.from(get.repeat(1_000)), 100_000_000);
  const taken = relay.bytesRead(-1);
  expect(taken).toBeGreaterThan(get.length * 16);
  expect(taken).toBeLessThanOrEqual(2 * READ);
});

test('proxyHttp() answers more pipelined requests than it reads ahead, all of them and in order', async () => {
  const target = await webServer((request, response) => response.end(request.url));
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  let received = '';
  client.setEncoding('latin1').on('data', (text: string) => (received += text));
  const paths = Array.from({ length: 5_000 }, (_, i) => `/${i}`);
  for (const path of paths) client.write(`GET http://api.test:${target}${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await expect.poll(() => received.endsWith('\r\n\r\n/4999'), { timeout: 20_000 }).toBe(true);
  expect(received.match(/^\/\d+/gm)).toEqual(paths);
});

test('proxyHttp() says of requests that it does not read for now that they are late to nobody', async () => {
  const answer = Promise.withResolvers<() => void>();
  const { port: target } = await tcpServer((socket) => {
    let asked = 0;
    let isAnswering = false;
    const answerAll = () => {
      if (isAnswering) socket.write(OK.repeat(asked));
      if (isAnswering) asked = 0;
    };
    socket.on('data', (chunk: Buffer) => {
      asked += chunk.toString().split('\r\n\r\n').length - 1;
      answerAll();
      answer.resolve(() => {
        isAnswering = true;
        answerAll();
      });
    });
  });
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  const get = `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\n`;
  client.write(`${get.repeat(20)}${get.slice(0, 10)}`);
  const go = await answer.promise;
  await new Promise((resolve) => setTimeout(resolve, 6_500));
  client.write(get.slice(10));
  go();
  expect((await readSome(client, 21 * OK.length)).toString()).toBe(OK.repeat(21));
});

test.each([
  ['a head that cannot be read', 'nonsense\r\n\r\n'],
  ['its last request', 'GET http://api.test:PORT/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
])('proxyHttp() reads nothing behind %s while an answer is under way', async (_what, last) => {
  const { port: target } = await scriptedServer((socket) => socket.resume());
  const log = testLog();
  const relay = await proxyTo([target], { log });
  const client = await tcpClient(relay.port);
  client.write(
    `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\n${last.replace('PORT', String(target))}`,
  );
  await flood(client, Buffer.from('x'.repeat(READ)), 100_000_000);
  expect(client.writableNeedDrain).toBe(true);
  expect(relay.bytesRead(0)).toBeLessThanOrEqual(3 * READ);
  expect(log.lines).toEqual([]);
});

test('proxyHttp() drops what comes behind the last answer', async () => {
  const { port: target } = await scriptedServer((socket) =>
    socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'),
  );
  const relay = await proxyTo([target]);
  const client = await tcpClient(relay.port);
  const get = `GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\n`;
  client.write(get);
  await readSome(client, 59);
  await flood(client, Buffer.from(get.repeat(1_000)), 20_000_000);
  expect(relay.bytesRead(0)).toBeGreaterThan(1_000_000);
  client.end();
  client.resume();
  await once(client, 'close');
  expect(client.errored).toBe(null);
});

test('proxyHttp() holds a target up whose informational answers a client does not read, and loses none', async () => {
  const hint = Buffer.from(`HTTP/1.1 103 Early Hints\r\nX: ${'a'.repeat(1_000)}\r\n\r\n`);
  const hints = Buffer.concat(Array.from({ length: 60 }, () => hint));
  const flooded = Promise.withResolvers<number>();
  const { port: target } = await scriptedServer((socket) => {
    void flood(socket, hints, 100_000_000).then(() => {
      flooded.resolve(socket.bytesWritten);
      socket.write(OK);
    });
  });
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  client.write(`GET http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n\r\n`);
  const length = await flooded.promise;
  expect(length).toBeLessThan(100_000_000);
  const chunks: Buffer[] = [];
  client.on('data', (chunk: Buffer) => chunks.push(chunk));
  await expect.poll(() => client.bytesRead, { timeout: 10_000 }).toBe(length + OK.length);
  expect(Buffer.concat(chunks).toString('latin1', length)).toBe(OK);
});

test('proxyHttp() opens no further connection for a client that does not read its answers', async () => {
  let connections = 0;
  const { port: target } = await scriptedServer((socket) => {
    connections++;
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'a'.repeat(1_000_000)}`);
    socket.resume();
  });
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  const post = `POST http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n`;
  await flood(client, Buffer.from(post + 'x'.repeat(100_000)), 20_000_000);
  expect(client.writableNeedDrain).toBe(true);
  // What the kernel holds of answers, and no more.
  expect(connections).toBeLessThan(50);
});

test('an idle client that does not read its answer does not keep the slots of others', async () => {
  const { port: target } = await tcpServer((socket) => {
    socket.on('data', (chunk: Buffer) => {
      const size = chunk.includes('/large') ? 20_000_000 : 2;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size, 'a'));
    });
  });
  const { port } = await proxyTo([target], { maxConnections: 2 });
  const get = (path: string) => `GET http://api.test:${target}${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const clients = [await tcpClient(port), await tcpClient(port), await tcpClient(port)] as const;
  clients[0].write(get('/large'));
  await once(clients[0], 'readable');
  clients[1].write(get('/'));
  await readSome(clients[1], 40);
  clients[1].on('end', () => clients[1].end()).resume();
  clients[2].write(get('/'));
  expect((await readSome(clients[2], 40)).toString()).toMatch(/aa$/);
});

test('a request behind content is answered, though the target has closed and the client is slow to read', async () => {
  const { port: target, heads } = await scriptedServer((socket, head) => {
    const size = head.startsWith('POST') ? 20_000_000 : 2;
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${'a'.repeat(size)}`);
    socket.resume();
  });
  const { port } = await proxyTo([target]);
  const client = await tcpClient(port);
  const line = (method: string) => `${method} http://api.test:${target}/ HTTP/1.1\r\nHost: x\r\n`;
  client.write(`${line('POST')}Content-Length: 2\r\n\r\nok${line('GET')}\r\n`);
  await once(client, 'readable');
  await new Promise((resolve) => setTimeout(resolve, 300)); // the target has long said all
  let length = 0;
  client.on('data', (chunk: Buffer) => (length += chunk.length));
  await expect.poll(() => length, { timeout: 10_000 }).toBeGreaterThan(20_000_080);
  expect(heads.length).toBe(2);
});
