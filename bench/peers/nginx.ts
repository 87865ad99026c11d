import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Peer, Route } from './peer.ts';
import { versionOf } from './versions.ts';

/** Where Debian's libnginx-mod-stream puts it. */
const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';

export function nginx(): Peer {
  return {
    name: 'nginx',
    description: 'nginx stream, one worker',
    version: existsSync(STREAM_MODULE) ? versionOf('nginx', '-v', /nginx\/(\d[\d.]*)/) : null,
    packages: ['nginx-light', 'libnginx-mod-stream'],
    protocols: ['tcp', 'udp'],
    start(route, directory) {
      const file = join(directory, 'nginx.conf');
      writeFileSync(file, configuration(route, directory));
      return { command: ['nginx', '-p', directory, '-e', 'stderr', '-c', file] };
    },
  };
}

function configuration({ protocol, listen, host, port, connections }: Route, directory: string): string {
  return `
    load_module ${STREAM_MODULE};
    daemon off;
    user root;
    worker_processes 1;
    pid ${directory}/nginx.pid;
    error_log stderr error;
    events { worker_connections ${2 * connections + 100}; }
    stream {
      server {
        listen ${listen}${protocol === 'udp' ? ' udp' : ' backlog=4096'};
        proxy_pass ${host}:${port};
        proxy_timeout ${protocol === 'udp' ? '60s' : '1h'};
      }
    }
  `;
}
