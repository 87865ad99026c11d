import { once } from 'node:events';

import { expect, test } from 'vitest';

import { localTarget, tcpRelay, udpRelay } from '../helpers/relay.ts';
import { closedPort, endOf, readAll, tcpClient, tcpServer, udpSocket } from '../helpers/sockets.ts';

const BIND = ['127.0.0.2', '127.0.0.3', '::1'];
/** Of no host (RFC 5737, RFC 3849). */
const [NOWHERE_4, NOWHERE_6] = ['192.0.2.1', '2001:db8::1'];

test('listenTcp() listens at each of its addresses, at one port, and nowhere else', async () => {
  const { port: target } = await tcpServer((socket) => socket.end('found'));
  const relay = await tcpRelay(localTarget(target), { bind: BIND });
  for (const host of BIND)
    expect((await readAll(await tcpClient(relay.port, { host }))).toString()).toBe('found');
  await expect(tcpClient(relay.port, { host: '127.0.0.1' })).rejects.toThrow('ECONNREFUSED');
});

test.each([
  ['0.0.0.0', '127.0.0.1', '::1'],
  ['::', '::1', '127.0.0.1'],
])('at %s listenTcp() listens on %s and not on %s', async (all, own, other) => {
  const { port: target } = await tcpServer((socket) => socket.end('found'));
  const relay = await tcpRelay(localTarget(target), { bind: [all] });
  expect((await readAll(await tcpClient(relay.port, { host: own }))).toString()).toBe('found');
  await expect(tcpClient(relay.port, { host: other })).rejects.toThrow('ECONNREFUSED');
});

test.each([
  ['tcp', tcpRelay],
  ['udp', udpRelay],
])('a %s relay listens on all of IPv4 and all of IPv6 when told so', async (_protocol, open) => {
  const { port } = await open(localTarget(1), { bind: ['0.0.0.0', '::'] });
  await expect(open(localTarget(1), { port, bind: ['127.0.0.1'] })).rejects.toThrow('EADDRINUSE');
  await expect(open(localTarget(1), { port, bind: ['::1'] })).rejects.toThrow('EADDRINUSE');
});

test('listenTcp() counts, limits and drains the clients of all its addresses together', async () => {
  const { port: target } = await tcpServer(() => {});
  const relay = await tcpRelay(localTarget(target), { bind: BIND, maxConnections: 1 });
  const clients = [];
  for (const host of BIND) clients.push(await tcpClient(relay.port, { host }));
  await expect.poll(() => [relay.live, relay.waiting]).toEqual([1, 2]);
  await relay.drain(AbortSignal.abort());
  expect(await Promise.all(clients.map(endOf))).toEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET']);
  for (const host of BIND) await expect(tcpClient(relay.port, { host })).rejects.toThrow('ECONNREFUSED');
});

test.each([
  ['tcp', tcpRelay, NOWHERE_4],
  ['tcp', tcpRelay, NOWHERE_6],
  ['udp', udpRelay, NOWHERE_4],
  ['udp', udpRelay, NOWHERE_6],
])(
  'a %s relay rejects when the host has not one of its addresses, and then listens at none',
  async (protocol, open, nowhere) => {
    const port = await closedPort();
    await expect(open(localTarget(1), { port, bind: ['127.0.0.1', nowhere] })).rejects.toThrow(
      `failed to listen on ${protocol} port ${port} at ${nowhere}: `,
    );
    await open(localTarget(1), { port, bind: ['127.0.0.1'] });
  },
);

test('two relays share a port at two addresses', async () => {
  const { port: target } = await tcpServer((socket) => socket.end('found'));
  const first = await tcpRelay(localTarget(target), { bind: ['127.0.0.2'] });
  const second = await tcpRelay(localTarget(target), { port: first.port, bind: ['127.0.0.3', '::1'] });
  expect(second.port).toBe(first.port);
});

test('listenUdp() answers a client from the address that it has asked, one session for each', async () => {
  const target = await udpSocket();
  target.on('message', (datagram, from) => target.send(`re: ${String(datagram)}`, from.port, from.address));
  const relay = await udpRelay(localTarget(target.address().port), { bind: BIND });
  const client = { 4: await udpSocket('udp4'), 6: await udpSocket('udp6') };
  for (const host of BIND) {
    const socket = client[host.includes(':') ? 6 : 4];
    socket.send(host, relay.port, host);
    const [answer, from] = await once(socket, 'message');
    expect([String(answer), from]).toMatchObject([`re: ${host}`, { address: host, port: relay.port }]);
  }
  expect(relay.live).toBe(BIND.length);
});

test('drain() of a UDP relay closes all its sockets', async () => {
  const relay = await udpRelay(localTarget(1), { bind: BIND });
  await relay.drain(AbortSignal.abort());
  const { port } = await udpRelay(localTarget(1), { port: relay.port, bind: BIND });
  expect(port).toBe(relay.port);
});
