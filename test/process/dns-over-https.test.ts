import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';

import * as dnsPacket from 'dns-packet';
import { expect, onTestFinished, test } from 'vitest';

import { a, zone } from '../helpers/dns.ts';
import { startNamedRelay } from '../helpers/named-relay.ts';
import { tcpServer } from '../helpers/sockets.ts';

const TLS = join(import.meta.dirname, '../fixtures/tls');
const identity = { key: readFileSync(join(TLS, 'api.key')), cert: readFileSync(join(TLS, 'api.pem')) };
const trusting = { NODE_EXTRA_CA_CERTS: join(TLS, 'ca.pem') };

type Handler = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;
const servers = {
  'HTTP/1.1': (handler: Handler) => createServer(identity, handler),
  'HTTP/2': (handler: Handler) => createSecureServer(identity, handler),
};

/** A nameserver that knows api.test, and what it was asked with. */
async function nameserver(
  protocol: keyof typeof servers,
  { status = 200, type = 'application/dns-message', padding = 0 } = {},
) {
  const asked: string[] = [];
  const answer = zone([a('api.test', '127.0.0.1')]);
  const serve = async (...[request, response]: Parameters<Handler>) => {
    const query = dnsPacket.decode(await buffer(request));
    const names = query.questions?.map(({ name }) => name).join();
    asked.push(`${request.method} ${request.url} HTTP/${request.httpVersion} id ${query.id} ${names}`);
    response.statusCode = status;
    response.setHeader('content-type', type);
    const [message = Buffer.alloc(0)] = answer(query, { port: 0, over: 'udp' });
    response.end(Buffer.concat([message, Buffer.alloc(padding)]));
  };
  const server = servers[protocol]((request, response) => void serve(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/dns-query#api.test`, asked };
}

test.each(['HTTP/1.1', 'HTTP/2'] as const)('a nameserver is asked over %s', async (protocol) => {
  const { port } = await tcpServer((socket) => socket.end('found'));
  const { url, asked } = await nameserver(protocol);
  const { call } = await startNamedRelay(port, url, trusting);
  expect(await call()).toBe('found');
  const version = protocol === 'HTTP/2' ? '2.0' : '1.1';
  expect(new Set(asked)).toEqual(new Set([`POST /dns-query HTTP/${version} id 0 api.test`]));
});

test.each([
  ['HTTP/1.1', { status: 503 }, 'HTTP status 503'],
  ['HTTP/2', { status: 503 }, 'HTTP status 503'],
  ['HTTP/1.1', { type: 'text/html' }, 'content type text/html'],
  ['HTTP/2', { type: 'text/html' }, 'content type text/html'],
  ['HTTP/1.1', { padding: 65_536 }, 'the answer is too long'],
  ['HTTP/2', { padding: 65_536 }, 'the answer is too long'],
] as const)('an answer over %s that is none, %j, is told', async (protocol, fault, reason) => {
  const { url } = await nameserver(protocol, fault);
  const { relay } = await startNamedRelay(1, url, trusting);
  const { err } = await relay.line('the name cannot be resolved; still trying');
  expect(err).toContain(reason);
});

test.each(['https', 'tls'])(
  'a %s:// nameserver with a certificate of a private CA is told, and what to do',
  async (scheme) => {
    const { url } = await nameserver('HTTP/1.1');
    const address = new URL(url);
    const text = scheme === 'https' ? url : `tls://${address.host}#api.test`;
    const { relay } = await startNamedRelay(1, text);
    const { err } = await relay.line('the name cannot be resolved; still trying');
    expect(err).toMatch(/unable to verify the first certificate \(if a private CA .* NODE_EXTRA_CA_CERTS /);
  },
);
