/** A name as clients ask for it at a port. */
export interface AskedAt {
  /** With the port behind it where clients choose that too, as of a forward proxy: `api.example.com:443`. */
  readonly asked: string;
  /** The port that is listened on. */
  readonly port: number;
  readonly protocol: 'tcp' | 'udp' | 'dns';
}

/** Indexes of the cells. */
const CONNECTIONS = 0;
const SENT = 1;
const RECEIVED = 2;
const FIRST = 3;
const LAST = 4;
const SIZE = 5;

/** What one thread has counted of one name, for others to read; it alone writes. See CounterCells. */
export type NameCells = Float64Array<SharedArrayBuffer>;

/** What has been counted of a name, over all threads. */
export interface NameCounts {
  /** Connections or sessions that were begun. */
  readonly connections: number;
  /** Bytes to and from the target. */
  readonly sent: number;
  readonly received: number;
  /** When the first and the last of them were begun, in ms since the epoch; 0 where there is none. */
  readonly first: number;
  readonly last: number;
}

/** What several threads have counted of one name. */
export function sumNameCounts(threads: readonly NameCells[]): NameCounts {
  const sum = (cell: number) => threads.reduce((total, cells) => total + (cells[cell] ?? 0), 0);
  const times = (cell: number) => threads.map((cells) => cells[cell] ?? 0).filter((time) => time > 0);
  const begun = times(FIRST);
  return {
    connections: sum(CONNECTIONS),
    sent: sum(SENT),
    received: sum(RECEIVED),
    first: begun.length === 0 ? 0 : Math.min(...begun),
    last: Math.max(0, ...times(LAST)),
  };
}

/** Counts what one thread relays for one name. */
export class NameCounters {
  readonly cells: NameCells = new Float64Array(new SharedArrayBuffer(SIZE * Float64Array.BYTES_PER_ELEMENT));

  opened(count = 1): void {
    const now = Date.now();
    this.#add(CONNECTIONS, count);
    if (this.cells[FIRST] === 0) this.cells[FIRST] = now;
    this.cells[LAST] = now;
  }

  sent(bytes: number): void {
    this.#add(SENT, bytes);
  }

  received(bytes: number): void {
    this.#add(RECEIVED, bytes);
  }

  #add(cell: number, count: number): void {
    this.cells[cell] = (this.cells[cell] ?? 0) + count;
  }
}
