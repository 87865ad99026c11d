import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Peer, Route } from './peer.ts';
import { versionOf } from './versions.ts';

export function haproxy(): Peer {
  return {
    name: 'haproxy',
    description: 'HAProxy, mode tcp, splice-auto, one thread',
    version: versionOf('haproxy', '-v', /version (\d[\d.]*)/),
    packages: ['haproxy'],
    protocols: ['tcp'],
    start(route, directory) {
      const file = join(directory, 'haproxy.cfg');
      writeFileSync(file, configuration(route));
      return { command: ['haproxy', '-db', '-f', file] };
    },
  };
}

function configuration({ listen, host, port, connections }: Route): string {
  return `
    global
      nbthread 1
      maxconn ${connections}
      maxpipes 100
    defaults
      mode tcp
      option splice-auto
      maxconn ${connections}
      timeout connect 10s
      timeout client 1h
      timeout server 1h
    listen relay
      bind :${listen}
      server target ${host}:${port}
`;
}
