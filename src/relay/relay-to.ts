import type { Connection } from './connection.ts';
import type { Target } from './target.ts';
import type { Serve } from './tcp.ts';

/** Relays all clients to one target, byte for byte, whatever they say; `report` may listen in. */
export function relayTo(target: Target, report: (connection: Connection) => void = () => {}): Serve {
  return async (connection) => {
    await connection.admit();
    const upstream = await connection.dial(target);
    report(connection);
    await connection.splice(upstream);
  };
}
