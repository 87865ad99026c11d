import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

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

/** A network of its own: loopback without IPv6, no way out, and a resolv.conf of its own, by default with 127.0.0.1 as nameserver. It goes with the test. */
export interface Namespace {
  /** The command that runs a program in it. */
  readonly wrap: (command: string, args: readonly string[]) => readonly [string, readonly string[]];
}

/** Fails where neither root nor user namespaces are to be had. */
export async function openNamespace(text = 'nameserver 127.0.0.1\n'): Promise<Namespace> {
  const resolvConf = join(temporaryDirectory(), 'resolv.conf');
  writeFileSync(resolvConf, text);
  const unshared = ['--user', '--map-root-user', '--net', '--mount', 'sh', '-c', setUp, 'sh', resolvConf];
  const { pid } = await startDaemon('unshare', unshared, { ready: 'is set up' });
  const joined = ['--target', String(pid), '--user', '--preserve-credentials', '--net', '--mount'];
  return { wrap: (command, args) => ['nsenter', [...joined, '--', command, ...args]] };
}

const leafSetUp = 'ip link set lo up && echo is set up && exec sleep infinity';
/** A cable from a network to another one's process, with both ends' addresses; no duplicates have to be looked for. */
const cable = `
  set -e
  ip link add "cable$1" type veth peer name cable netns "$2"
  ip address add "10.83.$1.1/24" dev "cable$1"
  ip address add "fd83:$1::1/64" dev "cable$1" nodad
  ip link set "cable$1" up
  nsenter --net="/proc/$2/ns/net" sh -c '
    ip address add "10.83.$1.2/24" dev cable && ip address add "fd83:$1::2/64" dev cable nodad && ip link set cable up' sh "$1"
`;

/** A network in the middle, and others that reach nothing but it, as containers on two networks of an engine. */
export interface Star {
  readonly center: Namespace;
  /** The first has the addresses 10.83.1.2 and fd83:1::2 and knows the center as 10.83.1.1 and fd83:1::1, and so on. */
  readonly leaves: readonly Namespace[];
  /** Takes the cable to one of them, by its number, away, and puts another with the same addresses in its place. */
  readonly replug: (number: number) => Promise<void>;
}

/** Networks of their own, without a way out; they go with the test. Fails where neither root nor user namespaces are to be had. */
export async function openStar(size: number): Promise<Star> {
  const ready = 'is set up';
  const unshared = ['--user', '--map-root-user', '--net', '--mount', 'sh', '-c', leafSetUp];
  const { pid } = await startDaemon('unshare', unshared, { ready });
  const within = (net: number): Namespace => {
    const joined = [
      '--target',
      `${pid}`,
      '--user',
      '--preserve-credentials',
      '--mount',
      `--net=/proc/${net}/ns/net`,
    ];
    return { wrap: (command, args) => ['nsenter', [...joined, '--', command, ...args]] };
  };
  const center = within(pid);
  const pids: number[] = [];
  const run = (command: string, ...args: readonly string[]) =>
    promisify(execFile)(...center.wrap(command, args));
  const plug = (number: number) => run('sh', '-c', cable, 'sh', `${number}`, `${pids[number - 1]}`);
  for (let number = 1; number <= size; number++) {
    const leaf = await startDaemon(...center.wrap('unshare', ['--net', 'sh', '-c', leafSetUp]), { ready });
    pids.push(leaf.pid);
    await plug(number);
  }
  return {
    center,
    leaves: pids.map(within),
    replug: async (number) => {
      await run('ip', 'link', 'delete', `cable${number}`);
      await plug(number);
    },
  };
}
