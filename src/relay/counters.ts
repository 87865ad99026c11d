import { type Histogram, HISTOGRAM_CELLS, observe, readHistogram } from '../lib/histogram.ts';
import { RULES } from '../wire/refusal.ts';

/**
 * Why a client was not let through: a rule that what it said fell foul of, where it came from, a blackout, addresses for names that are all in use, or a target
 * whose name has no address or that could not be reached.
 */
const REASONS = [
  ...RULES,
  'source not allowed',
  'blackout',
  'no longer in TARGET',
  'no address left',
  'name not resolved',
  'target unreachable',
] as const;
type Reason = (typeof REASONS)[number];

/** Indexes of the cells. */
const OPENED = 0;
const SENT = 1;
const RECEIVED = 2;
const UNANSWERED = 3;
const LOST = 4;
const REFUSED = 5;
const CONNECT = REFUSED + REASONS.length;
const SIZE = CONNECT + HISTOGRAM_CELLS;

/**
 * What one thread has counted on one port, for others to read. It alone writes; an aligned double is read whole where Node runs, though
 * ECMA-262 (Shared Memory, Tear-Free) promises that for integers only. So counting is one addition, and sends no message.
 */
export type CounterCells = Float64Array<SharedArrayBuffer>;

/** What has been counted on a port, over all threads. */
export interface Counts {
  /** Connections that were let in, or sessions. */
  readonly opened: number;
  /** Bytes to and from the target. */
  readonly sent: number;
  readonly received: number;
  /** Those that ended though the target, which had been sent something, had not said a byte; and UDP sessions whose client went on sending unanswered. */
  readonly unanswered: number;
  /** Datagrams that there was no room to send. */
  readonly lost: number;
  /** Clients that were not let through, of UDP each datagram, by the reason; those that have occurred. */
  readonly refused: Readonly<Record<string, number>>;
  /** How long it took to connect to the target, name lookup included, over TCP. */
  readonly connect: Histogram;
}

/** Cells in which nothing is counted yet. */
export function newCounterCells(): CounterCells {
  return new Float64Array(new SharedArrayBuffer(SIZE * Float64Array.BYTES_PER_ELEMENT));
}

/** What several threads have counted on one port. */
export function sumCounts(threads: readonly CounterCells[]): Counts {
  const sum = new Float64Array(SIZE).map((_, cell) =>
    threads.reduce((total, cells) => total + (cells[cell] ?? 0), 0),
  );
  const [opened = 0, sent = 0, received = 0, unanswered = 0, lost = 0] = sum;
  const refused = REASONS.map((reason, i) => [reason, sum[REFUSED + i] ?? 0] as const);
  return {
    opened,
    sent,
    received,
    unanswered,
    lost,
    refused: Object.fromEntries(refused.filter(([, count]) => count > 0)),
    connect: readHistogram(sum, CONNECT),
  };
}

/** Counts what one thread does on one port. */
export class Counters {
  readonly cells: CounterCells;

  constructor(cells = newCounterCells()) {
    this.cells = cells;
  }

  opened(count = 1): void {
    this.#add(OPENED, count);
  }

  sent(bytes: number): void {
    this.#add(SENT, bytes);
  }

  received(bytes: number): void {
    this.#add(RECEIVED, bytes);
  }

  unanswered(): void {
    this.#add(UNANSWERED, 1);
  }

  lost(datagrams: number): void {
    this.#add(LOST, datagrams);
  }

  refused(reason: Reason): void {
    this.#add(REFUSED + REASONS.indexOf(reason), 1);
  }

  /** How long it took to connect, in ms. */
  connected(time: number): void {
    observe(this.cells, CONNECT, time / 1_000);
  }

  #add(cell: number, count: number): void {
    this.cells[cell] = (this.cells[cell] ?? 0) + count;
  }
}
