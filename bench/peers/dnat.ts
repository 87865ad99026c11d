import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Peer, Route } from './peer.ts';
import { versionOf } from './versions.ts';

/** The kernel translates addresses, and nobody relays: what a firewall script does. Something listens, so that it is seen when that is so. */
export function dnat(): Peer {
  return {
    name: 'dnat',
    description: 'the kernel: DNAT and masquerade by nftables, with connection tracking',
    version: versionOf('nft', '--version', /v(\d[\d.]*)/),
    packages: ['nftables', 'socat'],
    protocols: ['tcp', 'udp'],
    hasOwnNetwork: true,
    start(route, directory) {
      const file = join(directory, 'rules.nft');
      writeFileSync(file, rules(route));
      const listen = `${route.transport.toUpperCase()}4-LISTEN:${route.listen},fork`;
      return { command: ['sh', '-c', 'nft -f "$0" && exec socat "$1" /dev/null', file, listen] };
    },
  };
}

function rules({ transport, listen, host, port }: Route): string {
  return `
    table ip dnat_${transport}_${listen} {
      chain new {
        type nat hook prerouting priority dstnat
        ${transport} dport ${listen} dnat to ${host}:${port}
      }
      chain taken {
        type nat hook postrouting priority srcnat
        masquerade
      }
    }
`;
}
