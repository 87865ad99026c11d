import type { Choose } from './choose.ts';
import type { Connection } from './connection.ts';
import { createHttpGate } from './http-gate.ts';
import { nameDeadline } from './read-first.ts';
import type { Serve } from './tcp.ts';
import type { Upstream } from './upstream.ts';

interface Options {
  readonly choose: Choose;
  /** Relays what CONNECT has opened, to the end of both sockets. */
  readonly tunnel: (connection: Connection, upstream: Upstream) => Promise<void>;
}

/** A forward proxy (RFC 9110 §3.7): absolute-form requests and CONNECT, to the targets that may be chosen. */
export function proxyHttp({ choose, tunnel }: Options): Serve {
  const gate = createHttpGate();
  return (connection) => gate(connection, { asProxy: true, choose, tunnel, reached: null }, nameDeadline());
}
