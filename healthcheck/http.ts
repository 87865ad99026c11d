import { once } from 'node:events';
import { type IncomingMessage, request, type RequestOptions } from 'node:http';
import { request as requestTls } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity } from 'node:tls';

import { hostOf } from '../src/config/probes.ts';
import { PROBE_SOURCE } from '../src/control/protocol.ts';
import { describeFailure } from '../src/lib/deadline.ts';
import type { PlacedProbe } from './probers.ts';
import { readProxyStatus } from './proxy-status.ts';

/**
 * Sends a GET through the relay, as the app would: to the relay's port, with the real host in SNI and Host, and the certificate verified
 * against it. Any status is an answer, but for those that the relay gives itself. Rejects when none comes within the probe's timeout.
 */
export async function probeHttp(probe: PlacedProbe<'HTTP'>): Promise<void> {
  const { url, timeout } = probe;
  const signal = AbortSignal.timeout(timeout);
  try {
    const { statusCode = 0, headers } = await get(probe, signal);
    const problem = relayProblem(statusCode, headers['proxy-status']);
    if (problem !== null) throw problem;
  } catch (cause) {
    const reason = signal.aborted ? signal.reason : cause;
    throw new Error(`no answer to GET ${url.origin}${url.pathname}: ${describeFailure(reason, timeout)}`, {
      cause,
    });
  }
}

/** The head of the answer; what follows it is nobody's business. */
async function get(probe: PlacedProbe<'HTTP'>, signal: AbortSignal): Promise<IncomingMessage> {
  const { url, port, viaProxy } = probe;
  const host = hostOf(url);
  const isTls = url.protocol === 'https:';
  const options: RequestOptions = {
    ...dialled(probe),
    path: `${viaProxy && !isTls ? url.origin : ''}${url.pathname}${url.search}`,
    headers: {
      host: viaProxy ? url.host : hostField(url, port),
      'user-agent': 'sallyport-healthcheck',
      ...authorization(url),
    },
    signal,
  };
  const asking = isTls
    ? requestTls({
        ...options,
        ...(viaProxy && { socket: await openTunnel(probe, signal) }),
        // SNI names hosts only (RFC 6066 §3); an address is verified all the same.
        servername: isIP(host) === 0 ? host : '',
        checkServerIdentity: (_dialled, certificate) => checkServerIdentity(host, certificate),
      })
    : request(options);
  const [answer] = (await once(asking.end(), 'response')) as [IncomingMessage];
  answer.on('error', () => {}); // it is cut short here
  asking.destroy();
  return answer;
}

/** Has the forward proxy open a tunnel (RFC 9110 §9.3.6). Rejects when it does not. */
async function openTunnel(probe: PlacedProbe<'HTTP'>, signal: AbortSignal): Promise<Socket> {
  const { url } = probe;
  const authority = `${url.hostname}:${url.port || '443'}`;
  const asking = request({
    ...dialled(probe),
    method: 'CONNECT',
    path: authority,
    headers: { host: authority },
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

/** The Host field of an app that dials a URL's host at a port: with the port, unless it is the scheme's (RFC 9110 §7.2). */
export function hostField(url: URL, port: number): string {
  const asDialled = new URL(url);
  asDialled.port = String(port); // none, where it is the scheme's
  return asDialled.host;
}

function dialled({ address, port }: PlacedProbe<'HTTP'>) {
  return { host: address, port, localAddress: PROBE_SOURCE, agent: false } as const;
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
