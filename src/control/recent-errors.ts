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

/** A client that was not let through, or would not be: the newest of those who asked for the same. */
export interface Refusal {
  /** ISO 8601. */
  readonly at: string;
  /** The listening port. */
  readonly port: number;
  readonly protocol: string;
  readonly client: string | null;
  /** What it asked for, at most 255 characters; null where it named nobody. */
  readonly name: string | null;
  readonly rule: string;
  readonly decision: string;
  /** How often, as long as it is kept. */
  readonly count: number;
}

/** So many are kept for each port. */
const KEPT = 5;
/** So many are kept for all ports together. */
const REFUSALS_KEPT = 20;
/** A DNS name in text is no longer (RFC 1035 §2.3.4). */
const MAX_NAME = 255;

/** Keeps the last warnings about the clients of each port, and the newest refusals. */
export interface RecentErrors {
  /** To be logged through: lines that name a `port` and an `err` or a `reason` are kept. */
  readonly log: Log;
  /** The newest last. */
  readonly of: (where: Pick<Relay, 'port' | 'protocol'>) => readonly RecentError[];
  /** Of all ports, the newest last. */
  readonly refusals: () => readonly Refusal[];
}

/** Listens in on a log. */
export function keepErrors(log: Log): RecentErrors {
  const kept = new Map<string, readonly RecentError[]>();
  let refusals: readonly Refusal[] = [];

  function keepRefusal({ port, protocol, client, name, rule, decision }: SomeFields, times: number): void {
    if (typeof port !== 'number' || typeof protocol !== 'string') return;
    if (typeof rule !== 'string' || typeof decision !== 'string') return;
    const asked = typeof name === 'string' ? name.slice(0, MAX_NAME) : null;
    const isSame = (one: Refusal) =>
      one.port === port &&
      one.protocol === protocol &&
      one.name === asked &&
      one.rule === rule &&
      one.decision === decision;
    const refusal = {
      at: new Date().toISOString(),
      port,
      protocol,
      client: typeof client === 'string' ? client : null,
      name: asked,
      rule,
      decision,
      count: (refusals.find(isSame)?.count ?? 0) + times,
    };
    refusals = [...refusals.filter((each) => !isSame(each)), refusal].slice(-REFUSALS_KEPT);
  }

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
    log: listenIn(log, (fields, _message, times) => {
      keep(fields, times);
      keepRefusal(fields, times);
    }),
    of: ({ port, protocol }) => kept.get(`${port}/${protocol}`) ?? [],
    refusals: () => refusals,
  };
}
