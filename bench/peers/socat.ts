import type { Peer } from './peer.ts';
import { versionOf } from './versions.ts';

/** Of its defaults, the backlog alone is changed: with 5 many clients at once would measure how long a lost SYN takes to be sent again. */
export function socat(): Peer {
  return {
    name: 'socat',
    description: 'socat, a process for each connection (fork)',
    version: versionOf('socat', '-V', /socat version (\d[\d.]*)/),
    packages: ['socat'],
    protocols: ['tcp', 'udp'],
    start({ transport, listen, host, port }) {
      return transport === 'tcp'
        ? { command: ['socat', `TCP4-LISTEN:${listen},fork,reuseaddr,backlog=4096`, `TCP4:${host}:${port}`] }
        : { command: ['socat', '-T60', `UDP4-LISTEN:${listen},fork,reuseaddr`, `UDP4:${host}:${port}`] };
    },
  };
}
