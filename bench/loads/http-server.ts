import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Service } from '../peers/peer.ts';
import type { World } from '../world/world.ts';
import { serve } from './serve.ts';

/** Of the body at /large: a file of nothing but zeros, which takes no place on the disk. */
const LARGE = 64 * 1024 * 1024;

/** nginx, which answers from memory. */
export async function serveHttp(world: World, stack: DisposableStack): Promise<Service> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-http-'));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'large'), '');
  truncateSync(join(directory, 'large'), LARGE);
  const file = join(directory, 'nginx.conf');
  const port = await serve(world, stack, (free) => {
    writeFileSync(file, configuration(free, directory));
    return ['nginx', '-p', directory, '-e', 'stderr', '-c', file];
  });
  return { port, protocols: ['tcp'], connections: 100 };
}

function configuration(port: number, directory: string): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (use) => `${use}_temp_path ${directory}/${use};`,
  );
  return `
    daemon off;
    user root;
    worker_processes 1;
    pid ${directory}/nginx.pid;
    error_log stderr error;
    events { worker_connections 4096; }
    http {
      access_log off;
      sendfile on;
      root ${directory};
      keepalive_requests 1000000000;
      ${paths.join('\n')}
      server {
        listen ${port} backlog=4096;
        location = / { return 200 ok; }
        location = /large {}
      }
    }
  `;
}
