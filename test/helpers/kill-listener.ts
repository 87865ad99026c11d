import { readdir, readFile, readlink } from 'node:fs/promises';

import { allocate, loadCalls } from '../../src/kernel/calls.ts';
import { SOCKADDR_SIZE, sizeOfSocketAddress, writeSocketAddress } from '../../src/kernel/socket-address.ts';
import { listenerOn } from './relay.ts';
import { closedPort } from './sockets.ts';

const SHUT_RDWR = 2;

/** Has this process's own listener on a port fail: as the kernel does it with a bare one, or as Node would tell of it. */
export async function killListener(protocol: 'tcp' | 'udp', port: number): Promise<void> {
  try {
    listenerOn(port).emit('error', new Error('it broke'));
  } catch {
    const fd = await descriptorOf(protocol, port);
    if (protocol === 'tcp') loadCalls().shutdown(fd, SHUT_RDWR);
    else await haveRefused(fd);
  }
}

/** Has a UDP socket meet a refusal, which one that is not connected never does. */
async function haveRefused(fd: number): Promise<void> {
  const calls = loadCalls();
  const nobody = allocate(calls, SOCKADDR_SIZE);
  writeSocketAddress(calls, nobody.bytes, { address: '::ffff:127.0.0.1', port: await closedPort() });
  if (calls.connect(fd, nobody.pointer, sizeOfSocketAddress(nobody.bytes)) < 0)
    throw calls.failure('connect');
  if (calls.write(fd, nobody.pointer, 1) < 0) throw calls.failure('write');
}

/** In /proc/net's tables: of a TCP listener, and of a UDP socket that is not connected (proc_pid_net(5)). */
const LISTENING = { tcp: '0A', udp: '07' };

/** The descriptor that listens on a port (proc_pid_fd(5)). */
async function descriptorOf(protocol: 'tcp' | 'udp', port: number): Promise<number> {
  const files = [protocol, `${protocol}6`].map((name) => readFile(`/proc/self/net/${name}`, 'utf8'));
  const sockets = (await Promise.all(files))
    .flatMap((table) => table.split('\n'))
    .map((line) => line.trim().split(/\s+/));
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const [, , , , , , , , , inode] =
    sockets.find(
      ([, local, , state]) => local?.endsWith(`:${hex}`) === true && state === LISTENING[protocol],
    ) ?? [];
  if (inode === undefined) throw new Error(`nobody listens on ${protocol} port ${port}`);
  for (const fd of await readdir('/proc/self/fd'))
    if ((await readlink(`/proc/self/fd/${fd}`).catch(() => '')) === `socket:[${inode}]`) return Number(fd);
  throw new Error(`the listener on port ${port} is not this process's`);
}
