import { withDeadline } from '../../lib/deadline.ts';
import { messageOf } from '../../lib/message-of.ts';
import { type ClientHello, ClientHelloReader } from '../../wire/client-hello.ts';
import { OpeningReader } from '../../wire/opening.ts';
import { DENIED, GRANTED, SSL_REQUEST } from '../../wire/postgres.ts';
import { Refusal } from '../../wire/refusal.ts';
import { EndedError, peek, type Reader } from '../names/peek.ts';
import { readAhead } from '../names/read-ahead.ts';
import { readOpening } from '../names/read-opening.ts';
import { DialError } from '../target.ts';
import type { Connection } from '../tcp/connection.ts';
import type { Upstream } from '../tcp/upstream.ts';

/**
 * The ClientHello of a PostgreSQL client, still to be read: it comes once encryption has been granted, which is answered here, as the target is only known by
 * it. GSSAPI is denied, after which clients ask for TLS. Rejects as `readOpening` does.
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
function answer(connection: Connection, text: string): void {
  const { bare } = connection;
  if (bare === null) {
    connection.client.read(SSL_REQUEST.length);
    connection.client.write(text);
  } else {
    bare.dropUnread(SSL_REQUEST.length);
    if (bare.write(Buffer.from(text)) !== text.length) throw new EndedError(Buffer.alloc(0));
  }
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
  { gone, shared: { connectTimeout: timeout } }: Connection,
  upstream: Upstream,
): Promise<{ readonly said: string; readonly isMore: boolean }> {
  const { bare, meter } = upstream;
  if (bare === null) {
    const { socket } = upstream;
    socket.write(SSL_REQUEST);
    const said = await withDeadline({ timeout, signal: gone }, (either) => peek(socket, firstByte, either));
    socket.read(said.length);
    return { said, isMore: socket.readableLength > 0 };
  }
  if (bare.write(SSL_REQUEST) !== SSL_REQUEST.length) throw new EndedError(Buffer.alloc(0));
  meter.addSent(SSL_REQUEST.length);
  const said = await readAhead(bare, firstByte, { timeout, signal: gone });
  if (said === null) throw new EndedError(Buffer.alloc(0));
  bare.dropUnread(said.length);
  meter.addReceived(said.length);
  return { said, isMore: bare.unread.length > 0 };
}
