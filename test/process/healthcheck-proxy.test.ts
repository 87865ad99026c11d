import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createControl, type Socket } from 'node:net';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { PROBE_SOURCE } from '../../src/control/protocol.ts';
import { runHealthcheck, temporaryDirectory } from '../helpers/program.ts';
import { closedPort } from '../helpers/sockets.ts';

const TLS = join(import.meta.dirname, '../fixtures/tls');
const CA = { NODE_EXTRA_CA_CERTS: join(TLS, 'ca.pem') };
const DENIED = 'sallyport; error=http_request_denied; details="a \\"quoted\\" reason, with a comma"';

/** A forward proxy that answers as the test wants, and an environment in which the healthcheck takes it for the relay. */
async function scriptedProxy({
  answer = (_request, response) => response.end(),
  tunnel = (_request, socket) => socket.destroy(),
}: {
  answer?: RequestListener;
  tunnel?: (request: IncomingMessage, socket: Socket) => void;
}) {
  const asked: Record<string, unknown>[] = [];
  const keep = ({ method, url, headers, socket }: IncomingMessage) =>
    asked.push({ method, url, host: headers.host, from: socket.remoteAddress });
  const proxy = createServer((request, response) => {
    keep(request);
    answer(request, response);
  });
  const tunnels = new Set<Socket>();
  proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
    keep(request);
    tunnels.add(socket);
    socket.on('error', () => {});
    tunnel(request, socket);
  });
  const port = await closedPort();
  proxy.listen(port, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => {
    proxy.close();
    proxy.closeAllConnections();
    for (const socket of tunnels) socket.destroy();
  });
  const environment = {
    TARGET: 'api.test other.test',
    MODE: 'http-proxy',
    LISTEN: `${port}`,
    HTTP_HEALTHCHECK: '1',
    HTTP_HEALTHCHECK_TIMEOUT_MS: '3000',
    SALLYPORT_RUN_DIR: temporaryDirectory(),
  };
  return { asked, port, environment };
}

/** A TLS server that is api.test, and a tunnel that ends there. */
async function tlsTarget(answer: RequestListener) {
  const asked: Record<string, unknown>[] = [];
  const server = createHttpsServer(
    { key: readFileSync(join(TLS, 'api.key')), cert: readFileSync(join(TLS, 'api.pem')) },
    (request, response) => {
      const { servername } = request.socket as unknown as { readonly servername: string };
      asked.push({ servername, url: request.url, host: request.headers.host });
      answer(request, response);
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const tunnel = (_request: unknown, socket: Socket) => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    server.emit('connection', socket);
  };
  return { asked, tunnel, port };
}

test('the HTTP probe asks the forward proxy for an absolute URL', async () => {
  const { asked, environment } = await scriptedProxy({});
  const HTTP_HEALTHCHECK_URL = 'http://$TARGET/a?b=c';
  expect(await runHealthcheck({ ...environment, HTTP_HEALTHCHECK_URL })).toEqual({
    code: 0,
    output: 'healthy\n',
  });
  expect(asked).toEqual([
    { method: 'GET', url: 'http://api.test/a?b=c', host: 'api.test', from: PROBE_SOURCE },
  ]);
});

test('the HTTPS probe has the forward proxy open a tunnel, and verifies the certificate at its end', async () => {
  const target = await tlsTarget((_request, response) => response.writeHead(503).end());
  const { asked, environment } = await scriptedProxy(target);
  const toTarget = { ...environment, ...CA, HTTP_HEALTHCHECK_URL: 'https://$TARGET/status' };
  expect(await runHealthcheck(toTarget)).toEqual({ code: 0, output: 'healthy\n' });
  expect(asked).toEqual([
    { method: 'CONNECT', url: 'api.test:443', host: 'api.test:443', from: PROBE_SOURCE },
  ]);
  expect(target.asked).toEqual([{ servername: 'api.test', url: '/status', host: 'api.test' }]);

  const wrongName = await runHealthcheck({ ...toTarget, HTTP_HEALTHCHECK_URL: 'https://other.test/' });
  expect(wrongName).toMatchObject({ code: 1 });
  expect(wrongName.output).toContain("Host: other.test. is not in the cert's altnames");
});

test.each([
  [DENIED, 'a "quoted" reason, with a comma'],
  ['sallyport;details="; error=nothing";error=destination_unavailable', '; error=nothing'],
  ['sallyport; error=destination_unavailable', 'destination_unavailable'],
  ['sallyport; error=http_request_denied; details="why", other; details="else"', 'why'],
])('unhealthy: the relay itself answers, with Proxy-Status: %s', async (proxyStatus, reason) => {
  const { environment } = await scriptedProxy({
    answer: (_request, response) => response.writeHead(502, { 'Proxy-Status': proxyStatus }).end(),
    tunnel: (_request, socket) => socket.end(`HTTP/1.1 502 No\r\nProxy-Status: ${proxyStatus}\r\n\r\n`),
  });
  for (const scheme of ['http', 'https']) {
    expect(await runHealthcheck({ ...environment, HTTP_HEALTHCHECK_URL: `${scheme}://$TARGET/` })).toEqual({
      code: 1,
      output: `unhealthy: no answer to GET ${scheme}://api.test/: the relay answers 502: ${reason}\n`,
    });
  }
});

test.each([
  undefined,
  'sallyport',
  'sallyport; received-status=502',
  'sallyport; details="; error=x"',
  'sallyport2; error=connection_refused',
  'cdn.example; error=connection_refused, sallyport; error=x',
])('healthy: the target answers 502, with Proxy-Status: %s', async (proxyStatus) => {
  const headers = proxyStatus === undefined ? {} : { 'Proxy-Status': proxyStatus };
  const { environment } = await scriptedProxy({
    answer: (_request, response) => response.writeHead(502, headers).end(),
  });
  expect((await runHealthcheck(environment)).output).toBe('healthy\n');
});

test.each<[string, (request: IncomingMessage, socket: Socket) => void, string]>([
  ['refuses', (_request, socket) => socket.end('HTTP/1.1 407 No\r\n\r\n'), 'CONNECT is answered with 407'],
  ['is mute', () => {}, 'silent for 3000 ms'],
  ['hangs up', (_request, socket) => socket.end(), 'socket hang up'],
])('unhealthy: the forward proxy %s when it is asked for a tunnel', async (_how, tunnel, reason) => {
  const { environment } = await scriptedProxy({ tunnel });
  const { code, output } = await runHealthcheck({
    ...environment,
    HTTP_HEALTHCHECK_URL: 'https://$TARGET/',
  });
  expect([code, output]).toEqual([1, `unhealthy: no answer to GET https://api.test/: ${reason}\n`]);
});

test('unhealthy: why the relay could not reach the target is said once', async () => {
  const lastFailure = 'failed to connect to api.test:80: connect ECONNREFUSED';
  const proxyStatus = `sallyport; error=destination_unavailable; details="${lastFailure}"`;
  const { port, environment } = await scriptedProxy({
    answer: (_request, response) => response.writeHead(502, { 'Proxy-Status': proxyStatus }).end(),
  });
  const control = createControl((socket) =>
    socket.end(JSON.stringify({ blackout: { state: 'off' }, names: [], ports: [{ port, lastFailure }] })),
  );
  control.listen(join(environment.SALLYPORT_RUN_DIR, 'control.sock'));
  await once(control, 'listening');
  onTestFinished(() => {
    control.close();
  });
  expect((await runHealthcheck(environment)).output).toBe(
    `unhealthy: no answer to GET http://api.test/: the relay answers 502: ${lastFailure}\n`,
  );
});

test('every URL of HTTP_HEALTHCHECK_URL is asked for, and all must answer', async () => {
  let denied: string | null = null;
  const { asked, environment } = await scriptedProxy({
    answer: ({ url }, response) =>
      url === denied ? response.writeHead(403, { 'Proxy-Status': DENIED }).end() : response.end(),
  });
  const urls = ['http://api.test/', 'http://other.test/', 'http://api.test/x'];
  const full = { ...environment, HTTP_HEALTHCHECK_URL: urls.join(' ') };
  expect((await runHealthcheck(full)).output).toBe('healthy\n');
  expect(new Set(asked.map(({ url }) => url))).toEqual(new Set(urls));
  for (const url of urls) {
    denied = url;
    const { code, output } = await runHealthcheck(full);
    expect(code).toBe(1);
    expect(output).toContain(`no answer to GET ${url}: the relay answers 403`);
  }
});

test('unhealthy: the forward proxy does not listen, which is said once for all ports', async () => {
  const LISTEN = `${await closedPort()}`;
  const environment = {
    TARGET: 'a.test',
    MODE: 'http-proxy',
    LISTEN,
    SALLYPORT_RUN_DIR: temporaryDirectory(),
  };
  expect(await runHealthcheck(environment)).toEqual({
    code: 1,
    output: `unhealthy: nothing listens on tcp port ${LISTEN}\n`,
  });
});
