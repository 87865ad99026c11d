import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startDaemon } from './daemon.ts';
import { temporaryDirectory } from './program.ts';

const setUp = `
  set -e
  ip link set lo up
  if [ -e /proc/sys/net/ipv6 ]; then echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; fi
  mount --bind "$1" /etc/resolv.conf
  echo is set up
  exec sleep infinity
`;

/** A network of its own: loopback without IPv6, no way out, and 127.0.0.1 as the system's nameserver. It goes with the test. */
export interface Namespace {
  /** The command that runs a program in it. */
  readonly wrap: (command: string, args: readonly string[]) => readonly [string, readonly string[]];
}

/** Fails where neither root nor user namespaces are to be had. */
export async function openNamespace(): Promise<Namespace> {
  const resolvConf = join(temporaryDirectory(), 'resolv.conf');
  writeFileSync(resolvConf, 'nameserver 127.0.0.1\n');
  const unshared = ['--user', '--map-root-user', '--net', '--mount', 'sh', '-c', setUp, 'sh', resolvConf];
  const { pid } = await startDaemon('unshare', unshared, { ready: 'is set up' });
  const joined = ['--target', String(pid), '--user', '--preserve-credentials', '--net', '--mount'];
  return { wrap: (command, args) => ['nsenter', [...joined, '--', command, ...args]] };
}
