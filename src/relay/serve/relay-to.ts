import type { Target } from '../target.ts';
import type { Connection } from '../tcp/connection.ts';
import type { Serve } from '../tcp/listen.ts';
import type { Observer } from '../tcp/splice.ts';

/** Relays all clients to one target, byte for byte, whatever they send; what `observe` returns is shown it. */
export function relayTo(
  target: Target,
  observe: (connection: Connection) => Observer | null = () => null,
): Serve {
  return async (connection) => {
    await connection.admit();
    const upstream = await connection.dial(target);
    await connection.spliceWith(upstream, observe(connection));
  };
}
