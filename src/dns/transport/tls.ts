import { isIP } from 'node:net';
import { checkServerIdentity, connect } from 'node:tls';

import type { Message, Query } from '../wire/message.ts';
import { exchangeOver } from './stream.ts';

/**
 * Sends a query over a TLS connection of its own (RFC 7858). The certificate is verified against `name`, or against the address where
 * there is none. Rejects with the socket's error, or when the signal aborts.
 */
export async function exchangeOverTls(
  server: { readonly address: string; readonly port: number; readonly name: string | null },
  query: Query,
  signal: AbortSignal,
): Promise<Message> {
  const { address, port } = server;
  const name = server.name ?? address;
  const socket = connect({
    host: address,
    port,
    // SNI names hosts only (RFC 6066 §3); an address is verified all the same.
    ...(isIP(name) === 0 && { servername: name }),
    checkServerIdentity: (_dialled, certificate) => checkServerIdentity(name, certificate),
  });
  return exchangeOver(socket, { query, signal, ready: 'secureConnect' });
}
