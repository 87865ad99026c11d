import { readdir, readFile, readlink } from 'node:fs/promises';

import { loadCalls } from '../../src/kernel/calls.ts';
import { listenerOn } from './relay.ts';

const SHUT_RDWR = 2;

/** Has this process's own TCP listener on a port fail: as the kernel does it with a bare one, or as Node would tell of it. */
export async function killListener(port: number): Promise<void> {
  try {
    listenerOn(port).emit('error', new Error('it broke'));
  } catch {
    loadCalls().shutdown(await descriptorOf(port), SHUT_RDWR);
  }
}

/** The state of a TCP listener in /proc/net's tables (proc_pid_net(5)). */
const LISTENING = '0A';

/** The descriptor that listens on a port (proc_pid_fd(5)). */
async function descriptorOf(port: number): Promise<number> {
  const files = ['tcp', 'tcp6'].map((name) => readFile(`/proc/self/net/${name}`, 'utf8'));
  const sockets = (await Promise.all(files))
    .flatMap((table) => table.split('\n'))
    .map((line) => line.trim().split(/\s+/));
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const [, , , , , , , , , inode] =
    sockets.find(([, local, , state]) => local?.endsWith(`:${hex}`) === true && state === LISTENING) ?? [];
  if (inode === undefined) throw new Error(`nobody listens on port ${port}`);
  for (const fd of await readdir('/proc/self/fd'))
    if ((await readlink(`/proc/self/fd/${fd}`).catch(() => '')) === `socket:[${inode}]`) return Number(fd);
  throw new Error(`the listener on port ${port} is not this process's`);
}
