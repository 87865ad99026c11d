import { isIPv6 } from 'node:net';
import { checkServerIdentity } from 'node:tls';

import * as dnsPacket from 'dns-packet';
import type { DecodedPacket } from 'dns-packet';

import { abortable } from '../../abortable.ts';
import { decodePacket, matchAnswer, type Query } from '../query.ts';

/** No DNS message is larger (RFC 8484 §6). */
const MAX_MESSAGE = 65_535;
const MEDIA_TYPE = 'application/dns-message';
const OK = 200;

/**
 * Sends a query in an HTTPS request to an address (RFC 8484), as `name`, which the certificate is verified against; without a name both
 * are the address. Rejects with what went wrong on the way, or when the signal aborts.
 */
export async function exchangeOverHttps(
  server: {
    readonly address: string;
    readonly port: number;
    readonly path: string;
    readonly name: string | null;
  },
  query: Query,
  signal: AbortSignal,
): Promise<DecodedPacket> {
  // Loaded where it is needed: most relays never ask this way.
  const { default: Client } = await import('undici/lib/dispatcher/client.js');
  const { default: buildConnector } = await import('undici/lib/core/connect.js');
  const { address, port, path } = server;
  const host = server.name ?? address;
  const connect = buildConnector({
    allowH2: true,
    checkServerIdentity: (_dialled, certificate) => checkServerIdentity(host, certificate),
  });
  const client = new Client(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`, {
    allowH2: true,
    connect: (options, done) => connect({ ...options, hostname: address }, done),
  });

  const answered = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let received = 0;
  try {
    // An id of 0 lets HTTP caches know a question again; TLS makes guessing it useless.
    const body = dnsPacket.encode({ ...query, id: 0 });
    const headers = { accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE, 'user-agent': 'sallyport' };
    client.dispatch(
      { method: 'POST', path, headers, body },
      {
        onRequestStart: () => {},
        onResponseStart: (_controller, status, { 'content-type': type }) => {
          if (status !== OK) answered.reject(new Error(`HTTP status ${status}`));
          else if (type !== MEDIA_TYPE) answered.reject(new Error(`content type ${String(type)}`));
        },
        onResponseData: (_controller, chunk) => {
          received += chunk.length;
          if (received > MAX_MESSAGE) answered.reject(new Error('the answer is too long'));
          else chunks.push(chunk);
        },
        onResponseEnd: () => answered.resolve(Buffer.concat(chunks)),
        onResponseError: (_controller, error) => answered.reject(error),
      },
    );
    const packet = decodePacket(await abortable(answered.promise, signal));
    if (packet === null || matchAnswer({ ...query, id: 0 }, packet) === 'none') {
      throw new Error('the answer is to another question');
    }
    return packet;
  } finally {
    await client.destroy();
  }
}
