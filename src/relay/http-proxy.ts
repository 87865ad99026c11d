import type { Choose } from './choose.ts';
import { relayHttp, type Terms } from './http-client.ts';
import { nameDeadline } from './read-first.ts';
import type { Serve } from './tcp.ts';

interface Options {
  readonly choose: Choose;
  readonly tunnel: Terms['tunnel'];
}

/** A forward proxy (RFC 9110 §3.7): absolute-form requests and CONNECT, to the targets that may be chosen. */
export function proxyHttp(options: Options): Serve {
  return (connection) =>
    relayHttp(connection, { ...options, asProxy: true, reached: null, deadline: nameDeadline() });
}
