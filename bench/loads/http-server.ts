import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { nginxCommand } from '../nginx-command.ts';
import type { Service } from '../peers/peer.ts';
import type { World } from '../world/world.ts';
import { serve } from './serve.ts';

/** The size of the body at /large: a file of nothing but zeros, which takes no place on the disk. */
const LARGE = 64 * 1024 * 1024;
/** The largest body that /upload takes. */
export const UPLOAD = 16 * 1024 * 1024;

/** nginx, which answers from memory. */
export async function serveHttp(world: World, stack: DisposableStack): Promise<Service> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-http-'));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'large'), '');
  truncateSync(join(directory, 'large'), LARGE);
  const port = await serve(world, stack, (free) =>
    nginxCommand(directory, { connections: 4096, use: 'http', block: block(free, directory) }),
  );
  return { port, protocols: ['tcp'], connections: 100 };
}

/** nginx itself drops a body in small pieces, and answers before its end: to be passed on, it is read whole, into memory. */
function block(port: number, directory: string): string {
  return `
      sendfile on;
      root ${directory};
      keepalive_requests 1000000000;
      client_max_body_size ${UPLOAD};
      client_body_buffer_size ${UPLOAD};
      server {
        listen ${port} backlog=4096;
        location = / { return 200 ok; }
        location = /large {}
        location = /upload {
          proxy_pass http://127.0.0.1:${port}/;
          proxy_method GET;
          proxy_pass_request_body off;
          proxy_set_header Content-Length "";
        }
      }
  `;
}
