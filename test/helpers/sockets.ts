import { randomInt } from 'node:crypto';
import { createSocket, type Socket as UdpSocket, type SocketType } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

import { onTestFinished } from 'vitest';

/** A TCP server, on a free port if none is wanted, that hands each connection to `serve`; ended with the test. */
export async function tcpServer(
  serve: (socket: Socket) => void,
  host = '127.0.0.1',
  wantedPort = 0,
): Promise<{ readonly server: Server; readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    serve(socket);
  });
  server.listen(wantedPort, host);
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** A connected client that may be half-closed; destroyed with the test. */
export async function tcpClient(
  port: number,
  options: { host?: string; localAddress?: string } = {},
): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...options });
  socket.on('error', () => {});
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return socket;
}

/** A UDP socket bound to a port of `host`, a free one if none is wanted; closed with the test. */
export async function udpSocket(
  type: SocketType = 'udp4',
  host = type === 'udp4' ? '127.0.0.1' : '::1',
  wantedPort = 0,
): Promise<UdpSocket> {
  const socket = createSocket(type);
  socket.bind(wantedPort, host);
  await once(socket, 'listening');
  onTestFinished(() => {
    socket.close();
  });
  return socket;
}

/** The bytes up to the socket's end; rejects when it is reset. Its other half stays open. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  if (socket.errored !== null) throw socket.errored;
  if (!socket.readableEnded) await once(socket.resume(), 'end');
  return Buffer.concat(chunks);
}

/** The next bytes, at least `length` of them; rejects where no more come, as the socket has ended or was reset. */
export async function readSome(socket: Socket, length = 1): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let missing = length;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onEnd = () =>
    reject(socket.errored ?? new Error(`the socket has ended, and ${missing} bytes are missing`));
  const onData = (chunk: Buffer) => {
    chunks.push(chunk);
    missing -= chunk.length;
    if (missing > 0) return;
    socket.pause();
    resolve();
  };
  socket.on('data', onData).on('end', onEnd).on('close', onEnd).resume();
  if (socket.readableEnded || socket.destroyed) onEnd();
  await promise.finally(() => socket.off('data', onData).off('end', onEnd).off('close', onEnd));
  return Buffer.concat(chunks);
}

/** Resolves with the code of the error that ended the socket, or null for a clean end. */
export async function endOf(socket: Socket): Promise<string | null> {
  socket.resume();
  if (!socket.closed) {
    await new Promise((resolve) => {
      socket.once('close', resolve);
      socket.once('end', () => socket.end());
    });
  }
  const error: NodeJS.ErrnoException | null = socket.errored;
  return error?.code ?? null;
}

/** Resolves with the code of a client's error, be it connected by then or not; null when it ends without. */
export async function errorOf(socket: Socket): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  socket
    .once('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(code))
    .once('close', () => resolve(null));
  socket.resume();
  return promise;
}

/** The kernel's state of a connection between two ports of 127.0.0.1, as the first one sees it (proc(5); the kernel's tcp_states.h). */
export function tcpState(local: number | undefined, remote: number): string | undefined {
  const states: Readonly<Record<string, string>> = {
    '01': 'ESTABLISHED',
    '05': 'FIN_WAIT2',
    '08': 'CLOSE_WAIT',
  };
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
    const [, localPort, remotePort, state = ''] = /:([0-9A-F]{4}) \w+:([0-9A-F]{4}) (\w\w) /.exec(line) ?? [];
    if (Number(`0x${localPort}`) === local && Number(`0x${remotePort}`) === remote) return states[state];
  }
  return undefined;
}

/** How many bytes from one port of loopback to another are still unread. */
export function unread(from: number | undefined, to: number): number {
  return queuesAt(to).get(from ?? 0) ?? 0; // gone
}

/** The same from all ports together. */
export function allUnread(to: number): number {
  return [...queuesAt(to).values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Unread bytes by the client's port. */
function queuesAt(port: number): ReadonlyMap<number, number> {
  const queues = new Map<number, number>();
  const sockets = ['tcp', 'tcp6'].map((table) => readFileSync(`/proc/net/${table}`, 'latin1')).join('');
  for (const line of sockets.split('\n')) {
    const [, localPort, remotePort, queue] =
      /:([0-9A-F]{4}) \w+:([0-9A-F]{4}) \w\w \w+:(\w+) /.exec(line) ?? [];
    if (Number(`0x${localPort}`) === port) queues.set(Number(`0x${remotePort}`), Number(`0x${queue}`));
  }
  return queues;
}

/** Whether a client of 127.0.0.1, whose server listens on IPv6 and IPv4 alike, has no room for more until it reads: the server's kernel probes its window. */
export function isWindowShut(client: number | undefined, server: number): boolean {
  const ZERO_WINDOW_PROBE = '04'; // the kernel's Documentation/networking/proc_net_tcp.rst
  return readFileSync('/proc/net/tcp6', 'latin1')
    .split('\n')
    .some((line) => {
      const [, localPort, remotePort, timer] =
        /:([0-9A-F]{4}) \w+:([0-9A-F]{4}) \w\w \w+:\w+ (\w\w):/.exec(line) ?? [];
      const isIt = Number(`0x${localPort}`) === server && Number(`0x${remotePort}`) === client;
      return isIt && timer === ZERO_WINDOW_PROBE;
    });
}

/**
 * Each worker of a Vitest has ports of its own: what one has found closed, another might listen on first. Single ports are above 10080, which fetch refuses,
 * and below those that the kernel gives out by itself; ranges are below that.
 */
const PORTS = { first: 10_081, size: 1_400, count: 16 };
const RANGES = { first: 1_024, size: 2_240, count: 4 };
const own = process.ppid + Number(process.env['VITEST_POOL_ID'] ?? 0);
const startOf = ({ first, size, count }: typeof PORTS, part: number) => first + (part % count) * size;
const RANGE_TRIES = 5;
let tried = randomInt(PORTS.size);

/** A port of 127.0.0.1 where nothing listens, another one each time. */
export async function closedPort(): Promise<number> {
  for (;;) {
    const port = startOf(PORTS, own) + (tried++ % PORTS.size);
    if (await isClosed(port, '127.0.0.1')) return port;
  }
}

/** The first of so many ports in a row where nothing listens. */
export async function closedRange(length: number): Promise<number> {
  for (let turn = 0; ; turn++) {
    // Somebody may stay in the midst of a part for long: others get their turn then.
    const part = own + Math.floor(turn / RANGE_TRIES);
    const low = startOf(RANGES, part) + randomInt(RANGES.size - length);
    const ports = Array.from({ length }, (_, i) => low + i);
    const areClosed = await Promise.all(ports.map((port) => isClosed(port)));
    if (areClosed.every(Boolean)) return low;
  }
}

/** Whether the port can be listened on; without a host, on IPv6 and IPv4 alike. */
async function isClosed(port: number, host?: string): Promise<boolean> {
  const server = createServer();
  const listening = once(server, 'listening');
  server.listen({ port, host });
  try {
    await listening;
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
