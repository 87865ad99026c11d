import { messageOf } from '../lib/message-of.ts';
import { portKey } from '../lib/protocol.ts';
import type { SomeFields } from '../log/lines.ts';
import { listenIn } from '../log/listen-in.ts';
import type { Log } from '../log/log.ts';

/** What listens: a relay, or the door's own DNS. */
interface Where {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp' | 'dns';
}

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
  readonly of: (where: Where) => readonly RecentError[];
  /** Of all ports, the newest last. */
  readonly refusals: () => readonly Refusal[];
}

/** Listens in on a log. */
export function keepErrors(log: Log): RecentErrors {
  const kept = new Map<string, readonly RecentError[]>();
  let refusals: readonly Refusal[] = [];

  function keep(fields: SomeFields, times: number): void {
    const { port, protocol, client: given, name, rule, err, reason = err, decision } = fields;
    if (typeof port !== 'number' || typeof protocol !== 'string') return;
    const at = new Date().toISOString();
    const client = typeof given === 'string' ? given : null;
    if (reason !== undefined) {
      const where = portKey({ port, protocol });
      const message =
        decision === 'would refuse' ? `would be refused: ${messageOf(reason)}` : messageOf(reason);
      const error = { at, client, message, count: times };
      kept.set(where, withNewest(kept.get(where) ?? [], error, ['message']).slice(-KEPT));
    }
    if (typeof rule === 'string' && typeof decision === 'string') {
      const asked = typeof name === 'string' ? name.slice(0, MAX_NAME) : null;
      const refusal = { at, port, protocol, client, name: asked, rule, decision, count: times };
      const sameBy = ['port', 'protocol', 'name', 'rule', 'decision'] as const;
      refusals = withNewest(refusals, refusal, sameBy).slice(-REFUSALS_KEPT);
    }
  }

  return {
    log: listenIn(log, (fields, _message, times) => keep(fields, times)),
    of: (where) => kept.get(portKey(where)) ?? [],
    refusals: () => refusals,
  };
}

/** With one more at the end, which takes the place of the one that is the same by these fields, and counts on. */
function withNewest<T extends { readonly count: number }>(
  all: readonly T[],
  newest: T,
  sameBy: readonly (keyof T)[],
): readonly T[] {
  const same = all.find((each) => sameBy.every((field) => each[field] === newest[field]));
  return [...all.filter((each) => each !== same), { ...newest, count: newest.count + (same?.count ?? 0) }];
}
