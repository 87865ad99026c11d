import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';

import { systemNameservers } from '../../dns/system.ts';
import { isHostNetwork } from '../../runtime/host-network.ts';

/** How long an answer may take, in ms: the bridge is on this machine. */
const TIMEOUT = 1_000;
/** Any port does: what counts is who answers to the address (ARP, RFC 826). */
const PORT = 9;
/** In /proc/net/arp: the address has answered (ATF_COM of linux/if_arp.h). */
const COMPLETE = 0x2;

/**
 * What to say where the engine's bridge, and so the host, answers on a network that has no way out, which is how an internal one looks from here.
 * Engines give the bridge the first address of a network; a container that has it is known by its name.
 *
 * Who answers to that address is read off the kernel's ARP table after a connect, whatever a firewall makes
 * of the connect.
 */
export async function findHosts(): Promise<readonly string[]> {
  if (isHostNetwork()) return [];
  const ways = new Set(readRoutes().flatMap(({ name, gateway }) => (gateway === '00000000' ? [] : [name])));
  const inside = Object.entries(networkInterfaces())
    .filter(([name]) => !ways.has(name))
    .flatMap(([name, addresses = []]) =>
      addresses
        .filter(({ family, internal }) => family === 'IPv4' && !internal)
        .map(({ address, netmask }) => ({ name, address, first: firstOf(address, netmask) })),
    )
    .filter(({ address, first }) => address !== first);
  const found = await Promise.all(
    inside.map(async ({ name, first }) =>
      (await isNeighbour(first, name)) && !(await hasName(first))
        ? [
            `the host answers at ${first} on ${name}, a network without a way out: whatever listens on all of the host's addresses is reachable from there; create that network with \`driver_opts: { com.docker.network.bridge.inhibit_ipv4: "true" }\``,
          ]
        : [],
    ),
  );
  return found.flat();
}

/** IPv4 routes, as /proc/net/route has them: a gateway of zeros is none. */
function readRoutes(): readonly { readonly name: string; readonly gateway: string }[] {
  return rowsOf('/proc/net/route').map(([name = '', , gateway = '']) => ({ name, gateway }));
}

/** The first address of an IPv4 network. */
function firstOf(address: string, netmask: string): string {
  const mask = netmask.split('.').map(Number);
  const network = address.split('.').map((byte, i) => Number(byte) & (mask[i] ?? 0));
  return [...network.slice(0, 3), (network[3] ?? 0) + 1].join('.');
}

/** Whether somebody answers to an address of a network of ours, whatever a firewall makes of the connection. */
async function isNeighbour(address: string, name: string): Promise<boolean> {
  const socket = connect({ host: address, port: PORT, timeout: TIMEOUT });
  for (const end of ['connect', 'timeout']) socket.once(end, () => socket.destroy());
  await once(socket, 'close').catch(() => {}); // refused, or unreachable
  return rowsOf('/proc/net/arp').some(
    ([ip, , flags, , , device]) => ip === address && device === name && (Number(flags) & COMPLETE) !== 0,
  );
}

/**
 * Whether the engine's DNS has a name for an address: it has for containers, and none for its bridge. The relay's nameservers are asked, by Node's
 * resolver, as the relay itself asks for no PTR records.
 */
async function hasName(address: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: TIMEOUT, tries: 1 });
  try {
    resolver.setServers(systemNameservers());
    return (await resolver.reverse(address)).length > 0;
  } catch {
    return false;
  }
}

/** Empty where there is no such table. */
function rowsOf(table: string): readonly (readonly string[])[] {
  try {
    const [, ...lines] = readFileSync(table, 'latin1').trimEnd().split('\n');
    return lines.map((line) => line.trim().split(/\s+/));
  } catch {
    return [];
  }
}
