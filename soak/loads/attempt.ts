import { connect, type Socket } from 'node:net';

import type { Journal } from '../judge/journal.ts';
import type { Random } from '../random.ts';
import { StaleError } from '../targets/names.ts';

/** So long nothing takes, not even on a machine with much else to do, in ms. */
const PATIENCE = 120_000;

/** A kind of client at one door. */
export interface Load {
  readonly name: string;
  /** The door, as windows name it. */
  readonly door: string;
  /** How many do so at the same time. */
  readonly clients: number;
  /** Does it once; what becomes of it is in the journal. */
  readonly run: (random: Random, journal: Journal) => Promise<void>;
}

/** What came of one attempt. */
interface Attempted {
  readonly bytes: number;
  readonly answeredAt: number | null;
  readonly hasLeft: boolean;
}

/** Does something once and enters what became of it. Resolves with whether it was done. */
export async function attempt(
  journal: Journal,
  { load, door }: { readonly load: string; readonly door: string },
  what: (from: number) => Promise<Attempted>,
): Promise<boolean> {
  const operation = { load, door, from: performance.now() };
  try {
    journal.done(operation, await what(operation.from));
    return true;
  } catch (cause) {
    journal.failed(operation, cause, cause instanceof StaleError ? 'staleness' : 'failure');
    return false;
  }
}

/** Where to connect, and from which address. */
export interface Endpoint {
  readonly host?: string;
  readonly port: number;
}

/** Connects and hands the socket on; it is gone when `use` has come to an end, which it has to in good time. */
export async function withSocket<T>(
  { host = '127.0.0.1', port }: Endpoint,
  use: (socket: Socket) => Promise<T>,
): Promise<T> {
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
  // Whoever uses it is told by events of its own.
  socket.on('error', () => {});
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not done after ${PATIENCE / 1_000} s`)), PATIENCE);
  try {
    return await Promise.race([use(socket), late.promise]);
  } finally {
    clearTimeout(timer);
    if (!socket.closed) socket.resetAndDestroy();
  }
}
