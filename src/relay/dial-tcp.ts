import { once } from 'node:events';
import { connect, type LookupFunction, type Socket } from 'node:net';

import { DialError, type Target } from './target.ts';

/** A connection that has been idle this long is probed, so that a peer that vanished gives its slot up, in ms. */
export const KEEP_ALIVE_DELAY = 60_000;
/** Pause between connection attempts to different addresses, in ms (RFC 8305 §8). */
const ATTEMPT_DELAY = 250;

/**
 * Connects to the target within `timeout` ms, name lookup included, passing over dead addresses. The socket may be half-closed. Rejects with
 * an error that says what was dialled and why it failed, and dials no more when the signal aborts.
 */
export async function dialTcp(
  target: Target,
  { timeout, signal }: { readonly timeout: number; readonly signal: AbortSignal },
): Promise<Socket> {
  const deadline = AbortSignal.timeout(timeout);
  const either = AbortSignal.any([signal, deadline]);
  let socket: Socket | undefined;
  try {
    const addresses = await target.resolve(either);
    const lookup: LookupFunction = (_host, _options, found) => found(null, [...addresses]);
    socket = connect({
      host: target.host,
      port: target.port,
      lookup,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: ATTEMPT_DELAY,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY,
    });
    await once(socket, 'connect', { signal: either });
    return socket;
  } catch (cause) {
    socket?.destroy();
    throw new DialError(target, deadline.aborted ? new Error(`no answer within ${timeout} ms`) : cause);
  }
}
