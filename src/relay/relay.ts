import { listSome } from '../lib/list-some.ts';
import { messageOf } from '../lib/message-of.ts';
import type { Protocol } from '../lib/protocol.ts';
import { addressesOf, recentInterfaces } from '../lib/recent-interfaces.ts';
import type { Counters, Counts } from './counters.ts';
import type { Slots } from './slots.ts';
import type { Target } from './target.ts';

/** What may happen again and again is not logged more often than this, in ms. */
export const SAID_EVERY = 10_000;
/** For how long a UDP session may be unanswered while its client goes on sending, at least, in ms. */
export const UDP_PATIENCE = 5_000;

/** What listens on one port and relays to the target: a TCP or a UDP relay. */
export interface Relay {
  readonly protocol: Protocol;
  /** The port it listens on, at each of its addresses. */
  readonly port: number;
  /** Connections or sessions that hold a slot. */
  readonly live: number;
  /** How many may hold one; Infinity for any number. */
  readonly limit: number;
  /** Clients that wait for a slot. */
  readonly waiting: number;
  /** Why the target could not be reached when it was last tried, or does not answer over UDP; null when it could, or does. */
  readonly lastFailure: string | null;
  readonly counts: () => Counts;
  /** What its clients hold, in whichever thread. */
  readonly slots: Slots;
  /** For what is counted by the thread that has this. */
  readonly counters: Counters;
  /** Rejects with a ListenError when a listener dies; never resolves. */
  readonly failed: Promise<never>;
  /** Ends the UDP session that a new one is to replace; whether there was one. */
  readonly makeRoom: () => boolean;
  /** Ends what lives, at once or each by its own end, while listening goes on. Resolves when that is on its way. */
  clear: (how: 'cut' | 'drain') => Promise<void>;
  /** Resolves when all lines till now are in the log; where it is not there, they always are. */
  readonly flushLog?: () => Promise<void>;
  /** Accepts nothing new; resolves when all that lives has ended, which the signal enforces. */
  drain: (signal: AbortSignal) => Promise<void>;
}

/** A relay of this thread. */
export interface ThreadRelay extends Relay {
  /** Ends what leads to other targets. */
  readonly keepOnly: (isAllowed: (target: Target) => boolean) => void;
}

/** A port, at one address or at all of the host (null). */
export interface ListenAddress {
  readonly address: string | null;
  readonly port: number;
}

/** Ports up to net.ipv4.ip_unprivileged_port_start are for CAP_NET_BIND_SERVICE alone (ip(7)). */
const LOW_PORT =
  'this user may not listen on so low a port: take a higher one (such as PORT=8443:443), or set the sysctl net.ipv4.ip_unprivileged_port_start=0 for the container, as Docker does and podman and hosts do not';

/** A port could not be listened on, or not any longer; the message says which, where, and why. */
export class ListenError extends Error {
  /** Why, and what to do. */
  readonly reason: string;

  constructor(what: string, { address, port }: ListenAddress, cause: unknown) {
    const where = address === null ? '' : ` at ${address}`;
    const hint = hintAt(cause instanceof Error && 'code' in cause ? cause.code : null);
    const reason = [messageOf(cause), ...(hint === null ? [] : [hint])].join('; ');
    super(`failed to ${what} port ${port}${where}: ${reason}`, { cause });
    this.name = 'ListenError';
    this.reason = reason;
  }
}

/** What an errno of bind(2) has to do with here; null where it says all itself. */
function hintAt(code: unknown): string | null {
  if (code === 'EACCES') return LOW_PORT;
  if (code !== 'EADDRNOTAVAIL') return null;
  const addresses = addressesOf(recentInterfaces())
    .filter(({ internal }) => !internal)
    .map(({ address }) => address);
  return `the addresses here are ${listSome(addresses, ', ')}, and loopback`;
}
