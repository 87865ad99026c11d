import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { encodeQuery, type Message, type Query } from '../wire/message.ts';
import { readAnswer } from '../wire/query.ts';

const LENGTH_BYTES = 2;

/** Sends a query over a TCP connection of its own (RFC 7766). Rejects with the socket's error, or when the signal aborts. */
export async function exchangeOverTcp(
  server: { readonly address: string; readonly port: number },
  query: Query,
  signal: AbortSignal,
): Promise<Message> {
  const socket = connect({ host: server.address, port: server.port });
  return exchangeOver(socket, { query, signal, ready: 'connect' });
}

/** Sends a query over a connection once it is `ready`, and closes it. */
export async function exchangeOver(
  socket: Socket,
  { query, signal, ready }: { readonly query: Query; readonly signal: AbortSignal; readonly ready: string },
): Promise<Message> {
  const abort = () => socket.destroy(signal.reason);
  try {
    signal.throwIfAborted();
    signal.addEventListener('abort', abort);
    await once(socket, ready);
    const message = encodeQuery(query);
    socket.write(Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]));
    return readAnswer(query, await receive(socket));
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** The first message of a stream, without the length in front of it (RFC 1035 §4.2.2), however it is cut into segments. */
async function receive(socket: Socket): Promise<Buffer> {
  let received = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk]);
    if (received.length < LENGTH_BYTES) continue;
    const end = LENGTH_BYTES + received.readUInt16BE(0);
    if (received.length >= end) return received.subarray(LENGTH_BYTES, end);
  }
  throw new Error('the server closed the connection without an answer');
}
