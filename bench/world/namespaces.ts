import { type ChildProcess, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

import { runToEnd } from './launch.ts';
import type { Place } from './place.ts';
import type { World } from './world.ts';

/** Listeners have the ports below the range that clients take theirs from. */
const FIRST_PORT = 2_000;
/** Of the network of client and relay, behind the addresses of both. */
const FIRST_HOST = 10;
const CLIENT_PORTS = '10000 65000';

/** Who closes first keeps a port for a minute (TIME-WAIT): a client that runs out of them measures its own search for one. */
const OWN_NETWORK =
  'ip link set lo up; sysctl --quiet --write net.ipv4.tcp_tw_reuse=1 "net.ipv4.ip_local_port_range=$0"';
const JOIN = `
  set -e
  ip link add to-client type veth peer name eth0 netns "$0"
  ip link add to-server type veth peer name eth0 netns "$1"
  ip addr add 10.83.1.1/24 dev to-client && ip link set to-client up
  ip addr add 10.83.2.1/24 dev to-server && ip link set to-server up
  sysctl --quiet --write net.ipv4.ip_forward=1
`;
/** The same for one more relay, by its number, with the server at the address that it has for all. */
const JOIN_ANOTHER = `
  set -e
  ip link add to-client type veth peer name "relay$2" netns "$0"
  ip link add to-server type veth peer name "relay$2" netns "$1"
  nsenter --net="/proc/$0/ns/net" sh -c 'ip addr add "10.$0.0.2/16" dev "relay$1" && ip link set "relay$1" up' "$((100 + $2))" "$2"
  nsenter --net="/proc/$1/ns/net" sh -c 'ip addr add "10.83.$0.2/24" dev "relay$1" && ip link set "relay$1" up && ip route change "10.83.$0.0/24" dev "relay$1" src "$2"' "$((50 + $2))" "$2" "$3"
  ip addr add "10.$((100 + $2)).0.1/16" dev to-client && ip link set to-client up
  ip addr add "10.83.$((50 + $2)).1/24" dev to-server && ip link set to-server up
  ip route add "$3" via "10.83.$((50 + $2)).2"
  sysctl --quiet --write net.ipv4.ip_forward=1
`;
const ADD_ADDRESS = 'ip addr add "$0/24" dev to-client';
const ATTACH = 'set -e; ip addr add "$0/24" dev eth0; ip link set eth0 up; ip route add default via "$1"';

/** Client, relay and server in network namespaces joined by veth pairs, as Docker joins containers. They go with their holders. */
export async function openNamespaces(stack: DisposableStack): Promise<World> {
  const client = await openNamespace('10.83.1.2', stack);
  const relay = await openNamespace('10.83.1.1', stack);
  const server = await openNamespace('10.83.2.2', stack);
  const sh = (place: Place, script: string, ...args: readonly string[]) =>
    runToEnd(place, ['sh', '-c', script, ...args]);
  for (const place of [client, relay, server]) await sh(place, OWN_NETWORK, CLIENT_PORTS);
  await sh(relay, JOIN, String(client.pid), String(server.pid));
  await sh(client, ATTACH, client.address, relay.address);
  await sh(server, ATTACH, server.address, '10.83.2.1');

  let nextPort = FIRST_PORT;
  let nextHost = FIRST_HOST;
  let nextRelay = 1;
  return {
    description: 'three network namespaces joined by veth pairs',
    client,
    relay,
    server,
    async ownRelay() {
      const number = nextRelay++;
      const network = `10.${100 + number}`;
      const another = await openNamespace(`${network}.0.1`, stack);
      await sh(another, OWN_NETWORK, CLIENT_PORTS);
      await sh(another, JOIN_ANOTHER, `${client.pid}`, `${server.pid}`, `${number}`, server.address);
      return { ...another, range: `${network}.128.0/20` };
    },
    freePort: () => Promise.resolve(nextPort++),
    async freeAddress() {
      const address = `10.83.1.${nextHost++}`;
      await sh(relay, ADD_ADDRESS, address);
      return address;
    },
  };
}

/** A process holds it, which ends when this one does, however that happens: its standard input is a pipe from here. */
async function openNamespace(address: string, stack: DisposableStack): Promise<Place> {
  const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
  stack.defer(() => holder.kill('SIGKILL'));
  const pid = await unshared(holder);
  const wrap = (command: string, args: readonly string[]) => [
    'nsenter',
    `--net=/proc/${pid}/ns/net`,
    command,
    ...args,
  ];
  return { wrap, address, pid };
}

async function unshared(holder: ChildProcess): Promise<number> {
  const { pid } = holder;
  if (pid === undefined) throw new Error('failed to start unshare, of the package util-linux');
  const network = (id: number | 'self') => readlinkSync(`/proc/${id}/ns/net`);
  while (network(pid) === network('self')) {
    if (holder.exitCode !== null) throw new Error('failed to make a network namespace');
    await wait(1);
  }
  return pid;
}
