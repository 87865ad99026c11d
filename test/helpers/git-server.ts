import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { httpServer } from './http-server.ts';

/** A server of git's own protocol over HTTP, in front of the repositories in a directory; anybody may push. Ended with the test. */
export function startGitServer(root: string): Promise<number> {
  return httpServer((server) => server.on('request', (request, response) => serve(root, request, response)));
}

/** Has git-http-backend(1) answer, over CGI (RFC 3875). */
function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
  const { headers } = request;
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      REQUEST_METHOD: request.method,
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: headers['content-type'],
      HTTP_CONTENT_ENCODING: headers['content-encoding'],
      REMOTE_USER: 'tester',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  request.pipe(backend.stdin.on('error', () => {}));
  let head = '';
  backend.stdout.on('data', (chunk: Buffer) => {
    if (response.headersSent) {
      response.write(chunk);
      return;
    }
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    const fields = head
      .slice(0, end)
      .split('\r\n')
      .map((line) => line.split(/: (.*)/, 2) as [string, string]);
    const status = fields.find(([name]) => name === 'Status')?.[1] ?? '200';
    for (const [name, value] of fields) if (name !== 'Status') response.setHeader(name, value);
    response.writeHead(Number.parseInt(status, 10)).write(Buffer.from(head.slice(end + 4), 'latin1'));
  });
  backend.once('close', () => response.end());
}
