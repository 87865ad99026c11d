import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Peer, Route } from './peer.ts';
import { versionOf } from './versions.ts';

/** In mode http it reads each request, and refuses those for another host. */
export function haproxy(mode: 'tcp' | 'http'): Peer {
  return {
    name: mode === 'tcp' ? 'haproxy' : 'haproxy-http',
    description: `HAProxy, mode ${mode}, splice-auto, one thread`,
    version: versionOf('haproxy', '-v', /version (\d[\d.]*)/),
    packages: ['haproxy'],
    protocols: [mode],
    start(route, directory) {
      const file = join(directory, 'haproxy.cfg');
      writeFileSync(file, configuration(mode, route));
      return { command: ['haproxy', '-db', '-f', file] };
    },
  };
}

function configuration(mode: 'tcp' | 'http', { listen, host, port, connections, name }: Route): string {
  return `
    global
      nbthread 1
      maxconn ${connections}
      maxpipes 100
    defaults
      mode ${mode}
      option splice-auto
      maxconn ${connections}
      timeout connect 10s
      timeout client 1h
      timeout server 1h
    listen relay
      bind :${listen}
      ${name ? `http-request deny unless { hdr(host) -i ${name.name} }` : ''}
      server target ${host}:${port}
`;
}
