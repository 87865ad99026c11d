import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

import { onTestFinished } from 'vitest';

/** A request as the front end understood it. */
interface Request {
  /** All that Host says, as often as it is there. */
  readonly host: string;
  readonly path: string;
}

/** Node's own server, which here makes of a request whatever can be made of it. */
export async function startLaxFrontEnd() {
  const requests: Request[] = [];
  const see = ({ url: path = '', rawHeaders }: IncomingMessage) =>
    requests.push({
      host: rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'host').join(),
      path,
    });
  const lax = {
    insecureHTTPParser: true,
    requireHostHeader: false,
    keepAliveTimeout: 0,
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => /h2c|tls/i.test(headers.upgrade ?? ''),
  };
  const server = createServer(lax, (request, response) => {
    see(request);
    request.resume();
    response.end();
  });
  server.on('upgrade', ({ headers: { upgrade } }: IncomingMessage, socket) => {
    requests.push({ host: `whoever is asked for in ${upgrade}`, path: '' });
    socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  });
  server.on('connect', (request: IncomingMessage, socket) => {
    see(request);
    socket.end('HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { httpPort: (server.address() as AddressInfo).port, requests };
}
