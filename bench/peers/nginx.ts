import { existsSync } from 'node:fs';

import { nginxCommand, STREAM_MODULE } from '../nginx-command.ts';
import type { Peer, Route } from './peer.ts';
import { versionOf } from './versions.ts';

/** As a stream it relays bytes; in HTTP it reads each request, and refuses those for another host. */
export function nginx(use: 'stream' | 'http'): Peer {
  const isStream = use === 'stream';
  const isThere = !isStream || existsSync(STREAM_MODULE);
  return {
    name: isStream ? 'nginx' : 'nginx-http',
    description: isStream ? 'nginx stream, one worker' : 'nginx proxy_pass, upstream keepalive, one worker',
    version: isThere ? versionOf('nginx', '-v', /nginx\/(\d[\d.]*)/) : null,
    packages: ['nginx-light', ...(isStream ? ['libnginx-mod-stream'] : [])],
    protocols: isStream ? ['tcp', 'udp'] : ['http'],
    start: (route, directory) => ({
      command: nginxCommand(directory, {
        connections: 2 * route.connections + 100,
        use,
        block: isStream ? streamBlock(route) : httpBlock(route),
      }),
    }),
  };
}

function streamBlock({ transport, listen, host, port }: Route): string {
  return `
      server {
        listen ${listen}${transport === 'udp' ? ' udp' : ' backlog=4096'};
        proxy_pass ${host}:${port};
        proxy_timeout ${transport === 'udp' ? '60s' : '1h'};
      }
  `;
}

/** Bodies pass through as they come: by default nginx stores them on disk. */
function httpBlock({ listen, host, port, name }: Route): string {
  return `
      keepalive_timeout 1h;
      proxy_read_timeout 1h;
      proxy_send_timeout 1h;
      client_max_body_size 0;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      upstream target {
        server ${host}:${port};
        keepalive 64;
      }
      server {
        listen ${listen} backlog=4096 default_server;
        return 403;
      }
      server {
        listen ${listen};
        server_name ${name?.name};
        location / {
          proxy_pass http://target;
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          proxy_set_header Host $http_host;
        }
      }
  `;
}
