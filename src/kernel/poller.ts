import {
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLRDHUP,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLL_EVENT,
  SOCK_CLOEXEC,
  UV_HANDLE,
  UV_POLL,
  UV_READABLE,
} from './abi.ts';
import { allocate, type Calls, type Memory } from './calls.ts';

/** UV_HANDLE_INTERNAL of libuv's own uv-common.h, which Node's headers leave out: a handle that the end of a loop does not count. */
const INTERNAL = 0x10;

/** How many events are taken at a time. */
const BATCH = 256;
/** How long events are taken before the rest of the event loop has its turn, in ms. To go round after each batch costs a tenth of a small round trip. */
const TIME_SLICE = 2;

const ENDED = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
/**
 * The order in which the events of a batch are emitted. Ends come first: the sooner a FIN is passed on, the fewer requests meet a target that is
 * gone.
 */
const ORDER = ['ends', 'bytes', 'clients'] as const;
type Kind = (typeof ORDER)[number];

/** A descriptor that is watched. */
export interface Watched {
  readonly fd: number;
  /** Whether it lets new clients in, who come after what happens to those that are there. */
  readonly isListener?: boolean;
  /** Whether no promise waits for what its events have brought; looked at after each. Promises run only when Node goes round. */
  readonly onlyMovesBytes?: boolean;
  onEvents: (events: number) => void;
}

/**
 * Watches descriptors through an epoll instance, which libuv watches in its turn while there are any. An event is emitted once
 * (EPOLLET), not until something is done about it.
 *
 * libuv only wakes for it, and calls back a function of its own that does nothing; the events are taken in an immediate, which Node calls behind
 * all that a turn of its loop has brought. No JavaScript runs within C: what it throws there aborts the process, and so does the end of
 * a worker that is out of heap.
 */
export class Poller {
  readonly #calls: Calls;
  readonly #event: Memory;
  readonly #eventWords: Int32Array;
  readonly #batch: Memory;
  readonly #batchWords: Int32Array;
  readonly #epoll: number;
  /** A uv_poll_cb (uv_poll_start) that looks at its handle and does nothing. */
  readonly #onReadable: bigint;
  /** By descriptor; each with a serial number, as a descriptor may be another's before its events are read. No Map: see `Roster`. */
  readonly #watched: ({ readonly watched: Watched; readonly serial: number } | undefined)[] = [];
  #count = 0;
  #serial = 0;
  /** A uv_poll_t. It stays in its loop, whatever the thread ends with. */
  readonly #handle: bigint;
  /** Whether an immediate is to come. */
  #isArmed = false;
  /** Whether promises may have been settled by what has happened. */
  #mustGoRound = false;

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#event = allocate(calls, EPOLL_EVENT.size * Int32Array.BYTES_PER_ELEMENT);
    this.#eventWords = words(this.#event);
    this.#batch = allocate(calls, BATCH * EPOLL_EVENT.size * Int32Array.BYTES_PER_ELEMENT);
    this.#batchWords = words(this.#batch);
    this.#epoll = calls.epoll_create1(SOCK_CLOEXEC);
    if (this.#epoll < 0) throw calls.failure('epoll_create1');
    this.#onReadable = calls.lib.getSymbol('uv_is_closing');
    this.#handle = calls.allocateForEver(calls.uv_handle_size(UV_POLL));
    this.#check('uv_poll_init', calls.uv_poll_init(calls.loop, this.#handle, this.#epoll));
    calls.setBits(this.#handle, UV_HANDLE.flags, INTERNAL);
  }

  /** Watches for these events, and for failures, until the descriptor is closed. Throws a system error. */
  watch(watched: Watched, events: number): void {
    const serial = (this.#serial = (this.#serial + 1) | 0);
    this.#control(EPOLL_CTL_ADD, watched.fd, events, serial);
    this.#watched[watched.fd] = { watched, serial };
    if (this.#count++ === 0) this.#wake();
  }

  /** Watches for these events from now on; what is the case already is emitted too. */
  rewatch(fd: number, events: number): void {
    const known = this.#watched[fd];
    if (known !== undefined) this.#control(EPOLL_CTL_MOD, fd, events, known.serial);
  }

  /** Watches no more, as somebody else will. */
  unwatch(fd: number): void {
    if (this.#watched[fd] !== undefined) this.#control(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /** To be called when a descriptor is closed, or watched no more: the kernel takes what is closed off its list by itself. */
  forget(fd: number): void {
    if (this.#watched[fd] === undefined) return;
    this.#watched[fd] = undefined;
    if (--this.#count === 0) this.#calls.uv_poll_stop(this.#handle); // a thread with nothing to watch may end
  }

  /** Has libuv go round when there are events. */
  #wake(): void {
    this.#check('uv_poll_start', this.#calls.uv_poll_start(this.#handle, UV_READABLE, this.#onReadable));
    this.#arm();
  }

  #check(operation: string, status: number): void {
    if (status < 0) throw this.#calls.failure(operation, -status);
  }

  /** An immediate that is not referred to does not keep the loop from waiting. */
  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(this.#takeEvents).unref();
  }

  /** Takes what has happened until there is no more, or others must have their turn: promises, or after a while the rest of the event loop. */
  readonly #takeEvents = (): void => {
    this.#isArmed = false;
    if (this.#count === 0) return;
    this.#arm();
    this.#mustGoRound = false;
    const until = performance.now() + TIME_SLICE;
    let more = true;
    while (more) more = this.#dispatchBatch() > 0 && !this.#mustGoRound && performance.now() < until;
  };

  #control(operation: number, fd: number, events: number, serial: number): void {
    this.#eventWords[0] = events | EPOLLET;
    this.#eventWords[EPOLL_EVENT.data] = fd;
    this.#eventWords[EPOLL_EVENT.data + 1] = serial;
    if (this.#calls.epoll_ctl(this.#epoll, operation, fd, this.#event.pointer) < 0)
      throw this.#calls.failure('epoll_ctl');
  }

  #dispatchBatch(): number {
    const count = this.#calls.epoll_wait(this.#epoll, this.#batch.pointer, BATCH, 0);
    for (const kind of ORDER) for (let i = 0; i < count; i++) this.#emitIf(kind, i * EPOLL_EVENT.size);
    return count;
  }

  #emitIf(kind: Kind, at: number): void {
    const known = this.#watched[this.#batchWords[at + EPOLL_EVENT.data] as number];
    if (known === undefined || known.serial !== this.#batchWords[at + EPOLL_EVENT.data + 1]) return;
    const events = this.#batchWords[at] as number;
    if (kind !== kindOf(events, known.watched)) return;
    known.watched.onEvents(events);
    if (known.watched.onlyMovesBytes !== true) this.#mustGoRound = true;
  }
}

function kindOf(events: number, { isListener = false }: Watched): Kind {
  if (isListener) return 'clients';
  return (events & ENDED) !== 0 ? 'ends' : 'bytes';
}

function words({ bytes }: Memory): Int32Array {
  return new Int32Array(bytes.buffer);
}
