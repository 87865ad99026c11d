import { relayHttp, type Terms } from '../http/client.ts';
import type { Choose } from '../names/choose.ts';
import { nameDeadline } from '../names/name-deadline.ts';
import type { Serve } from '../tcp/listen.ts';

interface Options {
  readonly choose: Choose;
  readonly tunnel: Terms['tunnel'];
}

/** A forward proxy (RFC 9110 §3.7): absolute-form requests and CONNECT, to the targets that may be chosen. */
export function proxyHttp(options: Options): Serve {
  return (connection) =>
    relayHttp(connection, { ...options, asProxy: true, reached: null, deadline: nameDeadline() });
}
