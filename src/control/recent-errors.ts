import { messageOf } from '../lib/message-of.ts';
import type { SomeFields } from '../log/lines.ts';
import { listenIn } from '../log/listen-in.ts';
import type { Log } from '../log/log.ts';
import type { Relay } from '../relay/relay.ts';

/** What went wrong on a port: the newest of what was the same. */
export interface RecentError {
  /** ISO 8601. */
  readonly at: string;
  readonly client: string | null;
  readonly message: string;
  /** How often, as long as it is kept. */
  readonly count: number;
}

/** So many are kept for each port. */
const KEPT = 5;

/** Keeps the last warnings about the clients of each port. */
export interface RecentErrors {
  /** To be logged through: lines that name a `port` and an `err` or a `reason` are kept. */
  readonly log: Log;
  /** The newest last. */
  readonly of: (where: Pick<Relay, 'port' | 'protocol'>) => readonly RecentError[];
}

/** Listens in on a log. */
export function keepErrors(log: Log): RecentErrors {
  const kept = new Map<string, readonly RecentError[]>();

  function keep(fields: SomeFields, times: number): void {
    const { port, protocol, client, err, reason = err, decision } = fields;
    if (typeof port !== 'number' || typeof protocol !== 'string' || reason === undefined) return;
    const where = `${port}/${protocol}`;
    const before = kept.get(where) ?? [];
    const message =
      decision === 'would refuse' ? `would be refused: ${messageOf(reason)}` : messageOf(reason);
    const same = before.find((error) => error.message === message);
    const error = {
      at: new Date().toISOString(),
      client: typeof client === 'string' ? client : null,
      message,
      count: (same?.count ?? 0) + times,
    };
    kept.set(where, [...before.filter((each) => each !== same), error].slice(-KEPT));
  }

  return {
    log: listenIn(log, (fields, _message, times) => keep(fields, times)),
    of: ({ port, protocol }) => kept.get(`${port}/${protocol}`) ?? [],
  };
}
