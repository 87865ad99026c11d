import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { checkServerIdentity } from 'node:tls';

import buildConnector from 'undici/lib/core/connect.js';
import Client from 'undici/lib/dispatcher/client.js';

import { abortable } from '../src/abortable.ts';
import { hostOf, type Probe } from '../src/config/probes.ts';
import { PROBE_SOURCE } from '../src/control/protocol.ts';
import { describe } from './describe.ts';
import { readProxyStatus } from './proxy-status.ts';

/**
 * Sends a GET through the relay, as the app would: to this host's port, with the real host in SNI and Host, and the certificate verified
 * against it. Any status is an answer, but for those that the relay gives itself. Rejects when none comes within the probe's timeout.
 */
export async function probeHttp({ url, port, viaProxy, timeout }: Probe): Promise<void> {
  const host = hostOf(url);
  const dialled = { hostname: '127.0.0.1', port: String(port), localAddress: PROBE_SOURCE };
  const deadline = AbortSignal.timeout(timeout);
  const isTunnelled = viaProxy && url.protocol === 'https:';
  const connect = buildConnector({
    timeout,
    checkServerIdentity: (_dialled, certificate) => checkServerIdentity(host, certificate),
  });
  const client = new Client(url.origin, {
    connect: (options, done) => {
      if (!isTunnelled) connect({ ...options, ...dialled }, done);
      else
        openTunnel(url, port, deadline).then(
          (httpSocket) => connect({ ...options, ...dialled, httpSocket }, done),
          (error: Error) => done(error, null),
        );
    },
  });
  const answered = Promise.withResolvers<void>();
  const asked = {
    method: 'GET',
    path: `${viaProxy && !isTunnelled ? url.origin : ''}${url.pathname}${url.search}`,
    headers: { 'user-agent': 'sallyport-healthcheck', ...authorization(url) },
  } as const;
  try {
    client.dispatch(asked, {
      onRequestStart: () => {},
      onResponseStart: (_controller, status, headers) => {
        const problem = relayProblem(status, headers['proxy-status']);
        if (problem === null) answered.resolve();
        else answered.reject(problem);
      },
      onResponseData: () => {},
      onResponseEnd: () => {},
      onResponseError: (_controller, error) => answered.reject(error),
    });
    await abortable(answered.promise, deadline);
  } catch (cause) {
    throw new Error(`no answer to GET ${url.origin}${url.pathname}: ${describe(cause, timeout)}`, { cause });
  } finally {
    await client.destroy();
  }
}

/** Has the forward proxy open a tunnel (RFC 9110 §9.3.6). Rejects when it does not. */
async function openTunnel(url: URL, port: number, signal: AbortSignal): Promise<Socket> {
  const authority = `${url.hostname}:${url.port || '443'}`;
  const asking = request({
    host: '127.0.0.1',
    port,
    localAddress: PROBE_SOURCE,
    method: 'CONNECT',
    path: authority,
    headers: { host: authority },
    agent: false,
    signal,
  });
  asking.end();
  const [{ statusCode = 0, headers }, socket] = (await once(asking, 'connect')) as [IncomingMessage, Socket];
  if (statusCode >= 200 && statusCode <= 299) return socket;
  socket.destroy();
  throw (
    relayProblem(statusCode, headers['proxy-status']) ?? new Error(`CONNECT is answered with ${statusCode}`)
  );
}

/** What the relay itself says; null when the answer is the target's. */
function relayProblem(status: number, proxyStatus: string | readonly string[] = ''): Error | null {
  const reason = readProxyStatus(String(proxyStatus));
  return reason === null ? null : new Error(`the relay answers ${status}: ${reason}`);
}

/** The URL's user and password as Basic credentials (RFC 7617). */
function authorization({ username, password }: URL): { authorization?: string } {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}
