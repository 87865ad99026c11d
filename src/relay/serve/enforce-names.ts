import { type ClientHello, ClientHelloReader } from '../../wire/client-hello.ts';
import { HelloRetryReader } from '../../wire/hello-retry.ts';
import { HTTP2_GOAWAY } from '../../wire/http2-goaway.ts';
import { OpeningReader } from '../../wire/opening.ts';
import { Refusal, type Rule } from '../../wire/refusal.ts';
import { tlsAlert } from '../../wire/tls-alert.ts';
import { relayHttp } from '../http/client.ts';
import { chooseByHello, chooseConnected, type NameRules } from '../names/choose.ts';
import { nameDeadline } from '../names/name-deadline.ts';
import { EndedError, readFirst } from '../names/read-first.ts';
import { readOpening } from '../names/read-opening.ts';
import type { Connection } from '../tcp/connection.ts';
import { hangUp } from '../tcp/hang-up.ts';
import type { Upstream } from '../tcp/upstream.ts';
import { HoldBack } from './hold-back.ts';
import { askForTls, grantTls } from './postgres-tls.ts';

/** Relays a client to the target that it names, in TLS or in HTTP/1; `reached` is one that has been reached for it already. */
export type NameCheck = (connection: Connection, rules: NameRules, reached?: Upstream) => Promise<void>;

/** What a TLS client is told (RFC 8446 §6.2, RFC 6066 §3). */
const ALERTS: Partial<Record<Rule, Parameters<typeof tlsAlert>[0]>> = {
  malformed: 'decode_error',
  'too long': 'decode_error',
  'encrypted name': 'access_denied',
};

/** A check that lets nobody through who does not name a target, and says why in the client's own protocol. */
export function createNameCheck(): NameCheck {
  async function check(connection: Connection, rules: NameRules, reached?: Upstream): Promise<void> {
    const deadline = nameDeadline();
    try {
      const opening = await readOpening(connection, new OpeningReader(), deadline);
      if (opening.protocol === 'http') {
        const tunnel = (within: Connection, upstream: Upstream) =>
          check(within, { ...rules, choose: chooseConnected(upstream.target, rules.choose) }, upstream);
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
      connection.reportRefusal(cause);
      await endWith(connection, cause.rule);
    } finally {
      // Whoever has not come to use it has not ended it.
      reached?.socket.reset();
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
  const { client } = connection;
  const { socket, meter } = upstream;
  try {
    if (isPostgres) await askForTls(connection, upstream);
    client.passOn(hello.length, socket);
    meter.addSent(hello.length);
    if (await asksAgain(upstream, connection)) {
      meter.addReceived(socket.unreadLength);
      socket.passOn(socket.unreadLength, client);
      const reader = new ClientHelloReader({ afterRetry: true });
      const second = await readOpening(connection, reader, nameDeadline());
      if (chooseByHello(second, rules).host !== target.host)
        throw new Refusal('several names', 'the second ClientHello names another', second.name);
    }
  } catch (cause) {
    socket.reset();
    if (cause instanceof EndedError && !connection.hasLeft) connection.report(upstream, 'target aborted');
    throw cause;
  }
  await connection.spliceWith(upstream);
}

/**
 * Whether the target wants another ClientHello (RFC 8446 §4.1.4), which could name another. Until it has spoken, what the client says is held
 * back. Rejects when the client leaves, or nobody says anything for too long.
 */
async function asksAgain({ socket }: Upstream, connection: Connection): Promise<boolean> {
  const { shared } = connection;
  const signal = connection.untilGone();
  const holdBack = new HoldBack(connection);
  try {
    const timeout = shared.idleTimeout || Infinity;
    return (await readFirst(socket, new HelloRetryReader(), { timeout, signal })) ?? false;
  } finally {
    holdBack.release();
  }
}

/** A refusal in the client's own protocol; what speaks none that we know is reset. */
async function endWith(connection: Connection, rule: Rule): Promise<void> {
  if (rule === 'neither TLS nor HTTP') connection.reset();
  else if (rule === 'silent') await hangUp(connection);
  else if (rule === 'HTTP/2') await hangUp(connection, HTTP2_GOAWAY);
  else await hangUp(connection, tlsAlert(ALERTS[rule] ?? 'unrecognized_name'));
}
