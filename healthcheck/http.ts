import { checkServerIdentity } from 'node:tls';

import buildConnector from 'undici/lib/core/connect.js';
import Client from 'undici/lib/dispatcher/client.js';

import type { Probe } from '../src/config/probes.ts';
import { PROBE_SOURCE } from '../src/control/protocol.ts';
import { describe } from './describe.ts';

/**
 * Sends a GET through the relay, as the app would: to this host's port, with the real host in SNI and Host, and the certificate verified
 * against it. Any status is an answer. Rejects when none comes within the probe's timeout.
 */
export async function probeHttp({ url, port, timeout }: Probe): Promise<void> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const connect = buildConnector({
    timeout,
    localAddress: PROBE_SOURCE,
    checkServerIdentity: (_dialled, certificate) => checkServerIdentity(host, certificate),
  });
  const client = new Client(url.origin, {
    connect: (options, done) => connect({ ...options, hostname: '127.0.0.1', port: String(port) }, done),
  });
  try {
    const { body } = await client.request({
      method: 'GET',
      path: url.pathname + url.search,
      headers: { 'user-agent': 'sallyport-healthcheck', ...authorization(url) },
      signal: AbortSignal.timeout(timeout),
    });
    body.on('error', () => {}).destroy(); // the status line is answer enough
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
