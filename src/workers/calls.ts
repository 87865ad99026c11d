import type { LookupAddress } from 'node:dns';

import type { Log } from '../log.ts';
import type { CounterCells } from '../relay/counters.ts';
import type { GateCell } from '../relay/gate.ts';
import type { Relay } from '../relay/relay.ts';
import type { SlotCells } from '../relay/slots.ts';

/** What a worker is given at its start. */
export interface WorkerData {
  /** Of each port's limit, in the order of the configuration. */
  readonly slots: readonly SlotCells[];
  readonly gate: GateCell;
  /** Of each port, for this worker alone. */
  readonly counters: readonly CounterCells[];
}

/** What workers ask of the main thread. Ports are numbered in the order of the configuration. */
export interface MainCalls {
  /** Resolves a target's name. */
  lookup: (host: string, fresh: boolean) => Promise<readonly LookupAddress[]>;
  log: (level: keyof Log, fields: object, message: string) => void;
  /** All ports are listened on. */
  listening: () => void;
  /** Why it goes on no longer. */
  failed: (problem: string) => void;
  /** What a port's last dial came to: why it failed, or null. */
  dialled: (port: number, failure: string | null) => void;
  /** A UDP port's slots are all held, by other workers' sessions. */
  crowded: (port: number) => void;
  /** There is UDP traffic. */
  traffic: () => void;
}

/** What the main thread asks of a worker. */
export interface WorkerCalls {
  /** Resolves when all that lives on a port has ended. */
  drain: (port: number) => Promise<void>;
  /** Ends what lives on a port, while listening goes on. */
  clear: (port: number, ...how: Parameters<Relay['clear']>) => Promise<void>;
  /** Ends what still lives on a port. */
  cut: (port: number) => void;
  /** Ends the UDP session that a new one is to replace; whether there was one. */
  makeRoom: (port: number) => boolean;
}
