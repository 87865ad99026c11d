import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

import { test } from 'vitest';

import { type Fault, isHit, suffer } from './suffer.ts';
import type { Door, World } from './world.ts';

const onDoor =
  (script: string) =>
  ({ run }: World) =>
    run('door', 'sh', '-c', script);

/** What the kernel of the door's own network makes of all that leaves for the bad target: a verdict of nftables. */
const judge = (verdict: string) =>
  onDoor(
    `nft 'table inet fault {
      chain out { type filter hook output priority 0; ip daddr 10.83.2.0/24 ${verdict}; }
      chain through { type filter hook forward priority 0; ip daddr 10.83.2.0/24 ${verdict}; }
    }'`,
  );
/** The same, of the target's. */
const judgeThere =
  (verdict: string) =>
  ({ run }: World) =>
    run(
      'badTarget',
      'nft',
      `table inet fault { chain in { type filter hook input priority 0; ${verdict}; }; }`,
    );

const TCP_OR_UDP = 'meta l4proto { tcp, udp }';
const ICMP = [
  'net-unreachable',
  'host-unreachable',
  'prot-unreachable',
  'port-unreachable',
  'admin-prohibited',
];

/** Has the kernel of the door's network know connections no more: those of sockets, and those that it relays by itself. */
const end = (sockets: string, flows: string) =>
  onDoor(`ss --kill --tcp ${sockets}; conntrack --delete --proto tcp ${flows} || true`);

/** How many descriptors the door may have from now on. */
const limitDescriptors = ({ pid }: Door, limit: number) =>
  void execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${limit}:`]);

const faults: readonly Fault[] = [
  {
    name: 'ends the connections to a target (ss -K)',
    inflict: end('dst 10.83.2.2', '--reply-src 10.83.2.2'),
    shows: ({ stream }) => stream.endings.includes('ECONNRESET'),
  },
  {
    name: 'ends the connections of a client (ss -K)',
    inflict: end('dst 10.83.4.2', '--orig-src 10.83.4.2'),
    shows: ({ stream }) => stream.endings.length > 0,
  },
  {
    name: 'rejects what leaves for a target, by resets',
    inflict: judge('meta l4proto tcp reject with tcp reset'),
    shows: isHit,
    mend: onDoor('nft delete table inet fault'),
  },
  {
    name: 'lets nothing leave for a target (EPERM)',
    inflict: judge('drop'),
    shows: isHit,
    mend: onDoor('nft delete table inet fault'),
  },
  {
    name: 'is told by a target that it resets everything',
    inflict: judgeThere('meta l4proto tcp reject with tcp reset'),
    shows: ({ stream }) => stream.endings.includes('ECONNRESET'),
    mend: ({ run }) => run('badTarget', 'nft', 'delete', 'table', 'inet', 'fault'),
  },
  ...ICMP.map((type) => ({
    name: `is told by a target: ${type}`,
    inflict: judgeThere(`${TCP_OR_UDP} reject with icmp type ${type}`),
    shows: isHit,
    mend: ({ run }: World) => run('badTarget', 'nft', 'delete', 'table', 'inet', 'fault'),
  })),
  ...[0, 3, 10, 40].map((more) => ({
    name: `has ${more} descriptors left`,
    inflict: ({ door }: World) => limitDescriptors(door, readdirSync(`/proc/${door.pid}/fd`).length + more),
    mend: ({ door }: World) => limitDescriptors(door, 1_024),
    hitsAll: true,
    // Node closes whom it has no descriptor for.
    isShort: process.env['TEST_SOCKETS'] === 'streams',
  })),
  {
    name: 'has no room to send to a target (ENOBUFS)',
    inflict: onDoor('tc qdisc add dev cable2 root tbf rate 200kbit burst 2000 limit 3000'),
    shows: ({ datagrams }, before) => datagrams.answered > before.datagrams.answered,
    mend: onDoor('tc qdisc del dev cable2 root'),
  },
  {
    name: 'has few local ports left',
    inflict: onDoor('echo 50000 50020 >/proc/sys/net/ipv4/ip_local_port_range'),
    mend: onDoor('echo 32768 60999 >/proc/sys/net/ipv4/ip_local_port_range'),
    hitsAll: true,
  },
];

test.each(faults)('the kernel $name', (fault) => suffer(fault));
