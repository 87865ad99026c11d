import { messageOf } from '../../lib/message-of.ts';
import { type ClientHello, ClientHelloReader } from '../../wire/client-hello.ts';
import { OpeningReader } from '../../wire/opening.ts';
import { DENIED, GRANTED, SSL_REQUEST } from '../../wire/postgres.ts';
import { Refusal } from '../../wire/refusal.ts';
import { EndedError, type Reader, readFirst } from '../names/read-first.ts';
import { readOpening } from '../names/read-opening.ts';
import { DialError } from '../target.ts';
import type { Connection } from '../tcp/connection.ts';
import type { Upstream } from '../tcp/upstream.ts';

/**
 * The ClientHello of a PostgreSQL client, still to be read: it comes once encryption has been granted, which is answered here, as the target is only known by
 * it; the client of a target that then offers no TLS is reset. GSSAPI is denied, after which clients ask for TLS. Rejects as `readOpening` does.
 */
export async function grantTls(
  connection: Connection,
  asked: 'TLS' | 'GSSAPI',
  deadline: number,
): Promise<ClientHello> {
  answer(connection, asked === 'TLS' ? GRANTED : DENIED);
  if (asked === 'TLS') return readOpening(connection, new ClientHelloReader(), deadline);
  const next = await readOpening(connection, new OpeningReader(), deadline);
  if (next.protocol === 'postgres' && next.asks === 'TLS') return grantTls(connection, 'TLS', deadline);
  throw new Refusal('neither TLS nor HTTP', 'a PostgreSQL client does not ask for TLS');
}

const firstByte: Reader<string> = { push: (chunk) => chunk.toString('latin1', 0, 1), free: () => {} };

/** Takes the request, and answers it. */
function answer({ client }: Connection, text: string): void {
  client.drop(SSL_REQUEST.length);
  client.write(Buffer.from(text), 0, text.length);
}

/**
 * Asks a target for TLS as its client has asked, and takes the answer. Rejects with a DialError where TLS is not granted, or not within
 * CONNECT_TIMEOUT_MS.
 */
export async function askForTls(connection: Connection, upstream: Upstream): Promise<void> {
  const { shared } = connection;
  try {
    const { said, isMore } = await exchange(connection, upstream);
    if (said !== GRANTED)
      throw new Error(`it offers no TLS: it answers an SSLRequest with ${JSON.stringify(said)}`);
    // Before TLS anybody on the way could have added it (CVE-2021-23222).
    if (isMore) throw new Error('it says more than its answer to an SSLRequest');
  } catch (cause) {
    if (connection.hasLeft) throw cause;
    shared.counters.refused('target unreachable');
    shared.onDial(messageOf(cause));
    throw new DialError(upstream.target, cause);
  }
}

async function exchange(
  connection: Connection,
  { socket, meter }: Upstream,
): Promise<{ readonly said: string; readonly isMore: boolean }> {
  const { connectTimeout: timeout } = connection.shared;
  const signal = connection.untilGone();
  socket.write(SSL_REQUEST, 0, SSL_REQUEST.length);
  meter.addSent(SSL_REQUEST.length);
  const said = await readFirst(socket, firstByte, { timeout, signal });
  if (said === null) throw new EndedError();
  socket.drop(said.length);
  meter.addReceived(said.length);
  return { said, isMore: socket.unreadLength > 0 };
}
