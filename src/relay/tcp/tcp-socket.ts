import type { Socket } from 'node:net';

/** What happens to a socket, for whoever uses it at present. Nothing is called once it has closed. */
export interface TcpSocketHandler {
  /** Whether no promise waits for what it does with bytes: then others' bytes may come before promises run. */
  readonly onlyMovesBytes: boolean;
  /** Bytes have been read, the first `length` of `bytes`, which holds them for the length of the call. */
  onBytes: (bytes: Buffer, length: number) => void;
  /** The peer's FIN has been read: it has sent all that it had to send. */
  onFin: () => void;
  /** It has been reset, or a write to it has vanished, while nobody reads it: what it sent before that may still be read. */
  onFailing: () => void;
  /** The kernel has taken some of what waited; `isFull`: whether there is more. */
  onRoom: () => void;
  /** It is closed; `isAborted`: not by a FIN each way, nor by `close`. */
  onClose: (isAborted: boolean) => void;
}

export interface Leaving {
  /** Whether a FIN that comes without a byte before it is leaving, too: there is nothing to relay then. */
  readonly byFin: boolean;
  readonly onLeft: () => void;
}

/**
 * A TCP socket of the relay, from accept or dial to its close: bare, or one of Node's streams where C cannot be called. What is read goes to its handler,
 * and what has no room in the kernel waits here. A write to a peer that is gone vanishes, and reading goes on: an early answer to an upload (413),
 * which a target sends and then resets, is still to be read. An EOF behind such a loss proves nothing, and is an abort.
 * Several may use it, one after the other: each sets its handler, starts it, puts back what the next one is to read, and releases it.
 */
export interface TcpSocket {
  handler: TcpSocketHandler;
  /** The most bytes that one read should bring. */
  readLimit: number;
  /** Undefined once it is gone. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly isOpen: boolean;
  /** Whether what was written waits for room in the kernel. */
  readonly isFull: boolean;
  /** Whether a write has vanished. */
  readonly hasLost: boolean;
  /** How much has been put back and not been read since, in bytes. */
  readonly unreadLength: number;
  /** Begins to read. Throws a system error when it cannot be watched. */
  start: () => void;
  /** Reads no bytes and no FIN before `resume`. */
  pause: () => void;
  resume: () => void;
  /**
   * Has these bytes read again, before all others: a copy in memory of its own, which becomes the socket's. Only within `onBytes`, or while it is
   * paused.
   */
  putBack: (bytes: Buffer) => void;
  /** Drops the first bytes of what has been put back. Only while it is not started. */
  drop: (length: number) => void;
  /** Writes the first bytes of what has been put back to another socket of its kind, and drops them. Only while it is not started. */
  passOn: (length: number, to: TcpSocket) => void;
  write: (bytes: Buffer, start: number, end: number) => void;
  /** Holds back what is written from now on, so that more goes with it. */
  cork: () => void;
  /** Sends what has been held back. */
  uncork: () => void;
  /** Sends a FIN behind all that was written. */
  sendFin: () => void;
  /** Closes it; what it still sends is lost. */
  close: () => void;
  /** Closes it with a reset. */
  reset: () => void;
  /** The same, when all that was written is in the kernel. */
  resetAfterAll: () => void;
  /** Ends what `start` has begun, so that another may start it. */
  release: () => void;
  /**
   * Notices when the peer leaves while it is not started, by a reset or a FIN; returns what ends that. A bare socket is not read for that. A stream
   * reads ahead, at most one buffer (64 KiB). Throws a system error when it cannot be watched.
   */
  noticeLeaving: (leaving: Leaving) => () => void;
  /** Gives the connection away as a stream of Node's. Only before anything else has been done with it. */
  toStream: () => Socket;
}

/** How long a side may take to read what was sent to it before the other one aborted, or a last answer, in ms. */
export const LINGER = 5_000;

/** Until a socket has another handler. */
export const NO_HANDLER: TcpSocketHandler = {
  onlyMovesBytes: false,
  onBytes: () => {},
  onFin: () => {},
  onFailing: () => {},
  onRoom: () => {},
  onClose: () => {},
};
