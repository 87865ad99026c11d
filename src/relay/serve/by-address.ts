import { Refusal } from '../../wire/refusal.ts';
import type { Lead, Target } from '../target.ts';
import type { Connection } from '../tcp/connection.ts';
import type { Serve } from '../tcp/listen.ts';

interface Options {
  /** Where one of our addresses leads; null for one that is not for names. Throws a Refusal where it leads nowhere. */
  readonly lead: (own: string) => Lead | null;
  /** Serves who has dialled a name's address. */
  readonly serveNamed: (connection: Connection, target: Target) => Promise<void>;
  /** Serves who has dialled another. */
  readonly serveOthers: Serve;
}

/** Relays clients to the names whose addresses they have dialled. */
export function serveByAddress({ lead: leadBy, serveNamed, serveOthers }: Options): Serve {
  async function serve(connection: Connection): Promise<void> {
    const lead = leadBy(connection.client.localAddress ?? '');
    if (lead === null) return serveOthers(connection);
    try {
      await serveNamed(connection, lead.target);
    } finally {
      lead.end();
    }
  }

  return async (connection) => {
    try {
      await serve(connection);
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      connection.reportRefusal(cause);
      connection.reset();
    }
  };
}
