/** What an end tells whoever it belongs to. Nothing is told any more once it has closed. */
export interface EndListener {
  /** Bytes have come, the first `length` of `bytes`, which is theirs for the length of the call. */
  onBytes: (bytes: Buffer, length: number) => void;
  /** Its FIN has come: it has sent all that it had to send. */
  onFin: () => void;
  /** It has been reset, or a write to it has vanished, while nobody reads it: what it sent before that may still be read. */
  onFailing: () => void;
  /** The kernel has taken some of what waited; `isFull` tells whether there is more. */
  onRoom: () => void;
  /** It is closed; `isAborted`: not by a FIN each way, nor by `close`. */
  onClose: (isAborted: boolean) => void;
}

/**
 * One socket of a TCP relay: what it sends is told as it comes, what it is to receive is written, and what has no room in the kernel waits
 * here. A write to a peer that is gone vanishes, and reading goes on: an early answer to an upload (413), which a target sends and then
 * resets, is still to be read. An EOF behind such a loss proves nothing, and is an abort.
 */
export interface End {
  listener: EndListener;
  /** The most bytes that one read should bring. */
  readLimit: number;
  readonly isOpen: boolean;
  /** Whether what was written waits for room in the kernel. */
  readonly isFull: boolean;
  /** Begins to tell what comes. To be called once. */
  start: () => void;
  /** Tells of no bytes and no FIN before `resume`. */
  pause: () => void;
  resume: () => void;
  /**
   * Has these bytes told again, before all others: a copy of what was told in memory of its own, which becomes the end's. Only while it tells of them, or is
   * paused.
   */
  putBack: (bytes: Buffer) => void;
  write: (bytes: Buffer, start: number, end: number) => void;
  /** Sends a FIN behind all that was written. */
  sendFin: () => void;
  /** Closes it; what it still sends is lost. */
  close: () => void;
  /** Closes it with a reset. */
  reset: () => void;
  /** The same, when all that was written is in the kernel. */
  resetAfterAll: () => void;
  /** Lets go of the socket, whose bytes are another's from now on. Not while it is full. */
  release: () => void;
  /** Has promises that have been settled by what it told be heard: see `Poller.settle`. */
  settle: () => void;
}

/** How long a side may take to read what was sent to it before the other one aborted, or a last answer, in ms. */
export const LINGER = 5_000;

/** Until an end has another listener. */
export const NO_LISTENER: EndListener = {
  onBytes: () => {},
  onFin: () => {},
  onFailing: () => {},
  onRoom: () => {},
  onClose: () => {},
};
