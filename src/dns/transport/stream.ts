import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls } from 'node:tls';

import * as dnsPacket from 'dns-packet';
import type { DecodedPacket } from 'dns-packet';

import { decodePacket, matchAnswer, type Query } from '../query.ts';

const LENGTH_BYTES = 2;

/** Sends a query over a TCP connection of its own (RFC 7766). Rejects with the socket's error, or when the signal aborts. */
export async function exchangeOverTcp(
  server: { readonly address: string; readonly port: number },
  query: Query,
  signal: AbortSignal,
): Promise<DecodedPacket> {
  const socket = connect({ host: server.address, port: server.port });
  return exchange(socket, { query, signal, ready: 'connect' });
}

/**
 * Sends a query over a TLS connection of its own (RFC 7858). The certificate is verified against `name`, or against the address where
 * there is none. Rejects with the socket's error, or when the signal aborts.
 */
export async function exchangeOverTls(
  server: { readonly address: string; readonly port: number; readonly name: string | null },
  query: Query,
  signal: AbortSignal,
): Promise<DecodedPacket> {
  const { address, port } = server;
  const name = server.name ?? address;
  const socket = connectTls({
    host: address,
    port,
    // SNI names hosts only (RFC 6066 §3); an address is verified all the same.
    ...(isIP(name) === 0 && { servername: name }),
    checkServerIdentity: (_dialled, certificate) => checkServerIdentity(name, certificate),
  });
  return exchange(socket, { query, signal, ready: 'secureConnect' });
}

async function exchange(
  socket: Socket,
  { query, signal, ready }: { readonly query: Query; readonly signal: AbortSignal; readonly ready: string },
): Promise<DecodedPacket> {
  const abort = () => socket.destroy(signal.reason);
  try {
    signal.throwIfAborted();
    signal.addEventListener('abort', abort);
    await once(socket, ready);
    socket.write(dnsPacket.streamEncode(query));
    const packet = decodePacket(await readMessage(socket));
    if (packet === null || matchAnswer(query, packet) === 'none')
      throw new Error('the answer is to another question');
    return packet;
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** The first message of a stream, without the length in front of it (RFC 1035 §4.2.2), however it is cut into segments. */
async function readMessage(socket: Socket): Promise<Buffer> {
  let received = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk]);
    if (received.length < LENGTH_BYTES) continue;
    const end = LENGTH_BYTES + received.readUInt16BE(0);
    if (received.length >= end) return received.subarray(LENGTH_BYTES, end);
  }
  throw new Error('the server closed the connection without an answer');
}
