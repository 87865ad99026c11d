import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Peer, Route } from './peer.ts';
import { versionOf } from './versions.ts';

/** With data of its own in a static zone, so that it asks nobody. */
export function unbound(): Peer {
  return {
    name: 'unbound',
    description: 'unbound, local data, one thread',
    version: versionOf('unbound', '-V', /^Version (\d[\d.]*)/),
    packages: ['unbound'],
    protocols: ['dns'],
    start(route, directory) {
      const file = join(directory, 'unbound.conf');
      writeFileSync(file, configuration(route));
      return { command: ['unbound', '-d', '-c', file] };
    },
  };
}

function configuration({ address, listen, zone = [] }: Route): string {
  return `
    server:
      num-threads: 1
      interface: ${address}
      port: ${listen}
      access-control: 0.0.0.0/0 allow
      use-syslog: no
      username: ""
      chroot: ""
      pidfile: ""
      module-config: "iterator"
      local-zone: "." static
      ${zone.map((name) => `local-data: "${name}. A ${address}"`).join('\n      ')}
`;
}
