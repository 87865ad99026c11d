import { checkServerIdentity } from 'node:tls';

import buildConnector from 'undici/lib/core/connect.js';
import Client from 'undici/lib/dispatcher/client.js';

import { abortable } from '../src/abortable.ts';
import { hostOf, type Probe } from '../src/config/probes.ts';
import { PROBE_SOURCE } from '../src/control/protocol.ts';
import { describe } from './describe.ts';

/**
 * Sends a GET through the relay, as the app would: to this host's port, with the real host in SNI and Host, and the certificate verified
 * against it. Any status is an answer. Rejects when none comes within the probe's timeout.
 */
export async function probeHttp({ url, port, timeout }: Probe): Promise<void> {
  const host = hostOf(url);
  const dialled = { hostname: '127.0.0.1', port: String(port), localAddress: PROBE_SOURCE };
  const connect = buildConnector({
    timeout,
    checkServerIdentity: (_dialled, certificate) => checkServerIdentity(host, certificate),
  });
  const client = new Client(url.origin, {
    connect: (options, done) => connect({ ...options, ...dialled }, done),
  });
  const answered = Promise.withResolvers<void>();
  const request = {
    method: 'GET',
    path: url.pathname + url.search,
    headers: { 'user-agent': 'sallyport-healthcheck', ...authorization(url) },
  } as const;
  try {
    client.dispatch(request, {
      onRequestStart: () => {},
      onResponseStart: () => answered.resolve(),
      onResponseData: () => {},
      onResponseEnd: () => {},
      onResponseError: (_controller, error) => answered.reject(error),
    });
    await abortable(answered.promise, AbortSignal.timeout(timeout));
  } catch (cause) {
    throw new Error(`no answer to GET ${url.origin}${url.pathname}: ${describe(cause, timeout)}`, { cause });
  } finally {
    await client.destroy();
  }
}

/** The URL's user and password as Basic credentials (RFC 7617). */
function authorization({ username, password }: URL): { authorization?: string } {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}
