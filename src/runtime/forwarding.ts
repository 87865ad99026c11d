import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

import { isHostNetwork } from './host-network.ts';

/** Per family: whose packets the kernel may forward, and the sysctl that ends it (ip-sysctl.rst). */
const FAMILIES = [
  {
    sysctl: 'net.ipv4.ip_forward',
    has: (address: string) => isIPv4(address),
    flag: (name: string) => `/proc/sys/net/ipv4/conf/${name}/forwarding`,
  },
  {
    sysctl: 'net.ipv6.conf.all.forwarding',
    has: (address: string) => !isIPv4(address) && !address.startsWith('fe80:'),
    flag: () => '/proc/sys/net/ipv6/conf/all/forwarding',
  },
];

/** Whether the kernel forwards packets of a family at all; never of one that is off. */
export function isForwarded(isV4: boolean): boolean {
  return isOn(isV4 ? '/proc/sys/net/ipv4/ip_forward' : '/proc/sys/net/ipv6/conf/all/forwarding');
}

/**
 * What to say where this container's kernel routes between its networks: whoever sends frames to its MAC address then gets past the relay. Nothing
 * on one network, and nothing in the host's own. It can only be told: an unprivileged container sets no sysctl.
 */
export function findForwarding(): readonly string[] {
  if (isHostNetwork()) return [];
  const interfaces = Object.entries(networkInterfaces());
  return FAMILIES.flatMap(({ sysctl, has, flag }) => {
    const names = interfaces
      .filter(([, addresses = []]) => addresses.some(({ address, internal }) => !internal && has(address)))
      .map(([name]) => name);
    if (names.length < 2 || !names.some((name) => isOn(flag(name)))) return [];
    return [
      `${sysctl} is 1: the kernel forwards between ${names.join(' and ')}, past the relay, what is sent to this container's MAC address; start it with \`sysctls: { ${sysctl}: "0" }\``,
    ];
  });
}

function isOn(file: string): boolean {
  try {
    return readFileSync(file, 'latin1').trim() !== '0';
  } catch {
    return false; // the family is off, or /proc is hidden
  }
}
