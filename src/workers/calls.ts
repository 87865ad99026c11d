import type { LookupAddress } from 'node:dns';

import type { PortConfig } from '../config/config.ts';
import type { RelayConfig, Share } from '../door/listen.ts';
import type { Lines, Message } from '../log/lines.ts';
import type { Log } from '../log/log.ts';
import type { BlackoutCell } from '../relay/blackout-flag.ts';
import type { NameAddressCells } from '../relay/name-addresses.ts';
import type { Counted } from '../relay/name-table.ts';
import type { Relay } from '../relay/relay.ts';

/** What a worker is given at its start. */
export interface WorkerData {
  readonly config: RelayConfig;
  readonly blackoutCell: BlackoutCell;
  readonly nameAddressCells: NameAddressCells | null;
}

/** What workers ask of the main thread. Ports are numbered in the order in which they are opened. */
export interface MainCalls {
  /** Looks a target's name up once, as long as that is wanted. */
  lookup: (host: string, fresh: boolean, wanted: AbortSignal) => Promise<LookedUp>;
  /** Its calls are answered from now on. */
  ready: () => void;
  /** Why it goes on no longer. */
  failed: (problem: string) => void;
  /** Takes what has happened since the last news. */
  news: (news: News) => void;
}

/** What came of a lookup: an error's class does not pass between threads. */
type LookedUp =
  | { readonly addresses: readonly LookupAddress[] }
  | { readonly problem: string; readonly isFinal: boolean };

/** What a worker tells without being asked. */
export interface News {
  readonly lines: readonly Line[];
  /** What the ports' last dials came to, where that has changed: why they failed, or null. */
  readonly dialled: ReadonlyMap<number, string | null>;
  /** UDP ports whose slots are all held, by other workers' sessions. */
  readonly crowded: ReadonlySet<number>;
  /** Names that it counts from now on. */
  readonly names: readonly Counted[];
  /** Whether there is UDP traffic. */
  readonly hasTraffic: boolean;
}

/** A line of the log. */
export interface Line {
  readonly level: keyof Log;
  readonly fields: Lines[Message];
  readonly message: Message;
  /** How often it has happened. */
  times: number;
}

/** What the main thread asks of a worker. */
export interface WorkerCalls {
  /** Listens on a port, which gets the next number. Its limit is shared by all workers; the counters are this one's. */
  open: (id: number, port: PortConfig, cells: Pick<Share, 'slots' | 'counters'>) => Promise<void>;
  /** Has a port lead elsewhere; see LedRelay. */
  lead: (id: number, port: PortConfig) => Promise<void>;
  /** Ends a port for good; see LedRelay. */
  end: (id: number) => Promise<void>;
  /** Resolves when all that lives on a port has ended. */
  drain: (id: number) => Promise<void>;
  /** Ends what lives on a port, while listening goes on. */
  clear: (id: number, ...how: Parameters<Relay['clear']>) => Promise<void>;
  /** Tells all news till now before it resolves. */
  flushLog: () => void;
  /** Ends what still lives on a port. */
  cut: (id: number) => void;
  /** Ends the UDP session that a new one is to replace; whether there was one. */
  makeRoom: (id: number) => boolean;
}
