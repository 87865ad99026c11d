import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { constants } from 'node:os';

import { expect, onTestFinished, test } from 'vitest';

import { type Calls, systemError } from '../../src/kernel/calls.ts';
import { openKernel } from '../../src/kernel/kernel.ts';
import { localTarget, tcpRelay, udpRelay } from '../helpers/relay.ts';
import { tcpServer, udpSocket } from '../helpers/sockets.ts';

type Name = Extract<keyof Calls, keyof typeof ERRORS>;
type Errno = keyof typeof constants.errno;
type Call = (...args: readonly unknown[]) => number;

/** Why each call may fail, by its man page; but for EAGAIN, which is no failure. */
const ERRORS = {
  socket: ['EACCES', 'EAFNOSUPPORT', 'EINVAL', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EPROTONOSUPPORT'],
  accept4: ['ECONNABORTED', 'EINTR', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EPERM', 'EPROTO'],
  connect: [
    'EACCES',
    'EPERM',
    'EADDRINUSE',
    'EADDRNOTAVAIL',
    'EAFNOSUPPORT',
    'EAGAIN',
    'ECONNREFUSED',
    'EINTR',
    'ENETUNREACH',
    'ETIMEDOUT',
  ],
  setsockopt: ['EINVAL', 'ENOPROTOOPT', 'ENOMEM', 'ENOBUFS', 'EPERM'],
  getsockopt: ['EINVAL', 'ENOPROTOOPT'],
  read: ['EINTR', 'EIO', 'ECONNRESET', 'ETIMEDOUT', 'ENOBUFS', 'ENOMEM'],
  write: ['EINTR', 'EIO', 'EPIPE', 'ECONNRESET', 'ENOBUFS', 'ENOMEM', 'EPERM'],
  recv: ['EINTR', 'ECONNRESET', 'ENOMEM'],
  shutdown: ['ENOTCONN'],
  close: ['EINTR', 'EIO'],
  fcntl: ['EMFILE'],
  getsockname: ['ENOBUFS'],
  epoll_ctl: ['ENOMEM', 'ENOSPC'],
  epoll_wait: ['EINTR'],
  recvmmsg: ['EINTR', 'ENOMEM', 'ECONNREFUSED', 'EHOSTUNREACH'],
  sendmmsg: [
    'EINTR',
    'ENOBUFS',
    'ENOMEM',
    'EPERM',
    'EMSGSIZE',
    'EINVAL',
    'ECONNREFUSED',
    'EHOSTUNREACH',
    'ENETUNREACH',
  ],
} as const satisfies Readonly<Partial<Record<keyof Calls, readonly Errno[]>>>;
const NAMES = Object.keys(ERRORS) as readonly Name[];
/** What they do all the same. */
const DONE: ReadonlySet<Name> = new Set(['close', 'shutdown']);

/** This thread's calls into C, of which one at a time may be made to fail. */
function failingCalls() {
  const calls = (openKernel() as { calls: Calls }).calls as unknown as Record<string, unknown>;
  const before = { ...calls };
  onTestFinished(() => void Object.assign(calls, before));
  const counts = new Map<Name, number>();
  let chosen: { readonly name: Name; readonly nth: number; readonly errno: number } | null = null;
  let errno: number | null = null;
  for (const name of NAMES) {
    const real = before[name] as Call;
    calls[name] = (...args: readonly unknown[]) => {
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      errno = null;
      if (name !== chosen?.name || count !== chosen.nth) return real(...args);
      if (DONE.has(name)) real(...args);
      errno = chosen.errno;
      return -1;
    };
  }
  const told = () => errno ?? (before['errno'] as () => number)();
  Object.assign(calls, {
    errno: told,
    failure: (operation: string, code = told()) => systemError(operation, code),
  });
  return {
    counts,
    choose: (next: typeof chosen) => {
      counts.clear();
      chosen = next;
    },
  };
}

const SENT = Buffer.alloc(300_000, 'sent');
const descriptors = () => readdirSync('/proc/self/fd').length;

test.each(NAMES.filter((name) => !name.endsWith('mmsg')))(
  'over TCP %s fails, at any time and for any reason: nothing is left behind, and others are served',
  async (name) => {
    const { counts, choose } = failingCalls();
    const { port: target } = await tcpServer((socket) => void socket.pipe(socket));
    const relay = await tcpRelay(localTarget(target));
    /** Resolves with how many bytes came back, or null where the connection failed. */
    const exchange = async () => {
      const client = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true });
      onTestFinished(() => void client.destroy());
      const { promise, resolve } = Promise.withResolvers<number | null>();
      let received = 0;
      client.on('data', (chunk) => (received += chunk.length));
      client
        .once('end', () => resolve(received))
        .once('error', () => resolve(null))
        .once('close', () => resolve(null));
      client.on('error', () => {}).end(SENT);
      const all = await promise;
      client.destroy();
      return all;
    };
    const atRest = async () => {
      await expect.poll(() => relay.live).toBe(0);
      return descriptors();
    };
    expect(await exchange()).toBe(SENT.length);
    await atRest();
    choose(null);
    expect(await exchange()).toBe(SENT.length);
    const made = counts.get(name) ?? 0;
    const rest = await atRest();
    for (const code of ERRORS[name])
      for (let nth = 1; nth <= Math.min(made, 12); nth++) {
        choose({ name, nth, errno: constants.errno[code] });
        expect([null, SENT.length], `${code} of call ${nth}`).toContain(await exchange());
        choose(null);
        expect(await exchange(), `after ${code} of call ${nth}`).toBe(SENT.length);
        await expect.poll(atRest, { message: `after ${code} of call ${nth}` }).toBe(rest);
      }
  },
);

test.each([
  'socket',
  'connect',
  'setsockopt',
  'recvmmsg',
  'sendmmsg',
  'epoll_ctl',
  'epoll_wait',
  'getsockname',
] as const)(
  'over UDP %s fails, at any time and for any reason: a datagram may be lost, and others are relayed',
  async (name) => {
    const { counts, choose } = failingCalls();
    const server = await udpSocket();
    server.on('message', (text, from) => server.send(text, from.port, from.address));
    const relay = await udpRelay(localTarget(server.address().port));
    let sent = 0;
    /** Whether a datagram of a client comes back. */
    const exchange = async (client: Awaited<ReturnType<typeof udpSocket>>, patience: number) => {
      const text = `datagram ${++sent}`;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const hear = (answer: Buffer) => String(answer) === text && resolve(true);
      client.on('message', hear).send(text, relay.port, '127.0.0.1');
      const timer = setTimeout(resolve, patience, false);
      const isAnswered = await promise;
      clearTimeout(timer);
      client.off('message', hear);
      return isAnswered;
    };
    const client = await udpSocket();
    expect(await exchange(client, 5_000)).toBe(true);
    expect(counts.get(name) ?? 0).toBeGreaterThan(0);
    for (const code of ERRORS[name])
      for (let nth = 1; nth <= 4; nth++) {
        const other = await udpSocket();
        choose({ name, nth, errno: constants.errno[code] });
        await exchange(other, 100);
        await exchange(client, 100);
        choose(null);
        for (const each of [client, other])
          expect(await exchange(each, 5_000), `after ${code} of call ${nth}`).toBe(true);
      }
  },
);
