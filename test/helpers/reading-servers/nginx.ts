import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startNginx } from '../nginx.ts';
import { temporaryDirectory } from '../program.ts';
import { closedPort } from '../sockets.ts';
import { type LoggedRequest, type ReadingServer, readLog } from './reading-server.ts';

/** nginx as it is, and as it takes more fields. It reads content to pass it on, here to itself. Ended with the test. */
export async function startReadingNginx(): Promise<readonly ReadingServer[]> {
  const directory = temporaryDirectory();
  const at = (file: string) => join(directory, file);
  const [strict, lax] = [await closedPort(), await closedPort()];
  for (const port of [strict, lax]) writeFileSync(at(`${port}.log`), '');
  const server = (port: number, options: string) => `server {
    listen 127.0.0.1:${port} backlog=4096;
    access_log ${at(`${port}.log`)} read;
    ${options}
    location / {
      proxy_pass http://unix:${at('backend')}:/;
      proxy_method POST;
      proxy_pass_request_headers off;
      proxy_ignore_client_abort on;
    }
  }`;
  await startNginx(
    directory,
    `
      log_format read escape=json '{"from":"$remote_addr","status":$status,"line":"$request","host":"$http_host","content":"$request_body"}';
      access_log off;
      # A connection ends when its last request has been logged.
      lingering_close off;
      keepalive_timeout 1s;
      client_max_body_size 0;
      client_body_buffer_size 128k;
      large_client_header_buffers 4 128k;
      ${server(strict, '')}
      ${server(lax, 'underscores_in_headers on; ignore_invalid_headers off; merge_slashes off;')}
      server { listen unix:${at('backend')}; return 200; }`,
  );
  return [
    { name: 'nginx', port: strict, readsContent: true, read: () => readLog(at(`${strict}.log`), parse) },
    { name: 'lax nginx', port: lax, readsContent: true, read: () => readLog(at(`${lax}.log`), parse) },
  ];
}

function parse(line: string): LoggedRequest {
  const request = JSON.parse(line) as LoggedRequest;
  return { ...request, host: request.host === '' ? null : request.host };
}
