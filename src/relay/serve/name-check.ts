import type { Socket } from 'node:net';

import { EAGAIN } from '../../kernel/kernel.ts';
import { withDeadline } from '../../lib/deadline.ts';
import { copyBytes } from '../../lib/own-bytes.ts';
import { type ClientHello, ClientHelloReader } from '../../wire/client-hello.ts';
import { HelloRetryReader } from '../../wire/hello-retry.ts';
import { HTTP2_GOAWAY } from '../../wire/http2-goaway.ts';
import { OpeningReader } from '../../wire/opening.ts';
import { Refusal, type Rule } from '../../wire/refusal.ts';
import { tlsAlert } from '../../wire/tls-alert.ts';
import { relayHttp } from '../http/client.ts';
import { logRefusal } from '../log-refusal.ts';
import { chooseByHello, chooseOnly, type NameRules } from '../names/choose.ts';
import { EndedError, peek, type Reader } from '../names/peek.ts';
import { readAhead } from '../names/read-ahead.ts';
import { nameDeadline, readFirst } from '../names/read-first.ts';
import { readOpening } from '../names/read-opening.ts';
import type { Connection } from '../tcp/connection.ts';
import { hangUp } from '../tcp/hang-up.ts';
import { reset } from '../tcp/reset.ts';
import type { Upstream } from '../tcp/upstream.ts';
import { askForTls, grantTls } from './postgres-tls.ts';

/** Relays a client to the target that it names, in TLS or in HTTP/1; `reached` is one that has been reached for it already. */
export type NameCheck = (connection: Connection, rules: NameRules, reached?: Upstream) => Promise<void>;

/** What a TLS client is told (RFC 8446 §6.2, RFC 6066 §3). */
const ALERTS: Partial<Record<Rule, Parameters<typeof tlsAlert>[0]>> = {
  malformed: 'decode_error',
  'too long': 'decode_error',
  'encrypted name': 'access_denied',
};
/** What a stream may hold of what a client says before the target has answered, early data (RFC 8446 §4.2.10) for the most part, in bytes. */
const MAX_HELD = 64 * 1024;

/** A check that lets nobody through who does not name a target, and says why in the client's own protocol. */
export function createNameCheck(): NameCheck {
  async function check(connection: Connection, rules: NameRules, reached?: Upstream): Promise<void> {
    const deadline = nameDeadline();
    try {
      const opening = await readOpening(connection, new OpeningReader(), deadline);
      if (opening.protocol === 'http') {
        const tunnel = (within: Connection, upstream: Upstream) =>
          check(within, { ...rules, choose: chooseOnly(upstream.target, rules.choose) }, upstream);
        const { choose } = rules;
        await relayHttp(connection, { asProxy: false, choose, tunnel, reached: reached ?? null, deadline });
      } else {
        const isPostgres = opening.protocol === 'postgres';
        const hello = isPostgres ? await grantTls(connection, opening.asks, deadline) : opening.hello;
        await relayTls(connection, hello, { rules, reached: reached ?? null, isPostgres });
      }
    } catch (cause) {
      if (cause instanceof EndedError) return connection.reset();
      if (!(cause instanceof Refusal)) throw cause;
      connection.shared.counters.refused(cause.rule);
      logRefusal(connection.shared.log, connection.from, cause);
      await sayGoodbye(connection.client, cause.rule);
    } finally {
      // Whoever has not come to use it has not ended it.
      reached?.reset();
    }
  }

  return check;
}

async function relayTls(
  connection: Connection,
  hello: ClientHello,
  { rules, reached, isPostgres }: { rules: NameRules; reached: Upstream | null; isPostgres: boolean },
): Promise<void> {
  const target = chooseByHello(hello, rules);
  await connection.admit();
  const upstream = reached ?? (await connection.dial(target));
  try {
    if (isPostgres) await askForTls(connection, upstream);
    if (!(await passHello(connection, upstream, hello)) && (await asksAgain(upstream, connection))) {
      const { client, gone } = connection;
      client.write(upstream.socket.read() as Buffer);
      const reader = new ClientHelloReader({ afterRetry: true });
      const second = await readFirst(client, reader, { gone, deadline: nameDeadline() });
      if (chooseByHello(second, rules).host !== target.host)
        throw new Refusal('several names', 'the second ClientHello names another', second.name);
    }
  } catch (cause) {
    upstream.reset();
    throw cause;
  }
  await connection.splice(upstream);
}

/**
 * Sends a hello on; whether the target has been seen to be content with it already. Rejects when one of them has left, or the target says
 * nothing for too long.
 */
async function passHello(
  connection: Connection,
  upstream: Upstream,
  { length }: ClientHello,
): Promise<boolean> {
  const { bare: client, gone, shared } = connection;
  const target = upstream.bare;
  const hello =
    client === null ? (connection.client.read(length) as Buffer | null) : client.unread.subarray(0, length);
  if (hello === null) throw new EndedError(Buffer.alloc(0));
  const count = target === null ? 0 : target.write(hello);
  if (count < 0 && count !== -EAGAIN) throw new EndedError(hello);
  const written = Math.max(0, count);
  upstream.meter.addSent(written);
  if (written < length) upstream.socket.write(copyBytes(hello, written));
  client?.dropUnread(length);
  if (client === null || target === null || written < length) return false;
  const waiting = { timeout: shared.idleTimeout || Infinity, signal: gone, unless: client };
  return (await readAhead(target, new HelloRetryReader(), waiting)) === false;
}

/**
 * Whether the target wants another ClientHello (RFC 8446 §4.1.4), which could name another. Until it has spoken, what the client says is held
 * back. Rejects when the client leaves, or says too much, or nobody says anything for too long.
 */
async function asksAgain({ socket }: Upstream, { client, gone, shared }: Connection): Promise<boolean> {
  let held = 0;
  const holdBack: Reader<never> = {
    push(chunk) {
      held += chunk.length;
      if (held > MAX_HELD)
        throw new Refusal('too long', 'it says more than a target wants to hear before its answer');
      return null;
    },
    free: () => {},
  };
  try {
    return await withDeadline({ timeout: shared.idleTimeout || Infinity, signal: gone }, (either) =>
      Promise.race([peek(socket, new HelloRetryReader(), either), peek(client, holdBack, either)]),
    );
  } catch (cause) {
    if (!(cause instanceof EndedError) || !socket.readableEnded) throw cause;
    client.write(cause.seen);
    return false;
  }
}

/** A refusal in the client's own protocol; what speaks none that we know is reset. */
async function sayGoodbye(client: Socket, rule: Rule): Promise<void> {
  if (rule === 'neither TLS nor HTTP') reset(client);
  else if (rule === 'silent') await hangUp(client);
  else if (rule === 'HTTP/2') await hangUp(client, HTTP2_GOAWAY);
  else await hangUp(client, tlsAlert(ALERTS[rule] ?? 'unrecognized_name'));
}
