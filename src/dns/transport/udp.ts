import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

import { encodeQuery, type Message, type Query } from '../wire/message.ts';
import { readAnswer } from '../wire/query.ts';

/** The pause before a query is sent again, in ms: it may be lost, or the server have been down (RFC 1035 §4.2.1). */
const RESEND_AFTER = 1_000;

/**
 * Sends a query in a datagram from a fresh socket, whose port the kernel picks at random, and resolves with the first datagram from the
 * server that answers it, in whatever case (RFC 1035 §4.2.1, RFC 5452). Sends it again each second till then. Rejects with the socket's error,
 * or when the signal aborts: if something has come by then, with why that is no answer.
 */
export async function exchangeOverUdp(
  server: { readonly address: string; readonly port: number },
  query: Query,
  signal: AbortSignal,
): Promise<Message> {
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
  const { promise: answer, resolve, reject } = Promise.withResolvers<Message>();
  let unusable: unknown;
  let resending: NodeJS.Timeout | undefined;
  const fail = (cause: unknown) => reject(unusable ?? cause);
  const abort = () => fail(signal.reason);
  const start = () => {
    const encoded = encodeQuery(query);
    const send = () => socket.send(encoded);
    send();
    resending = setInterval(send, RESEND_AFTER);
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  socket.on('error', fail).on('message', (datagram) => {
    try {
      resolve(readAnswer(query, datagram));
    } catch (cause) {
      unusable = cause;
    }
  });
  // Connected: the kernel then drops what comes from anyone else, and reports a refusal (ICMP) as an error.
  socket.once('connect', start).connect(server.port, server.address);
  try {
    return await answer;
  } finally {
    clearInterval(resending);
    signal.removeEventListener('abort', abort);
    socket.off('connect', start).close();
  }
}
