import { type Listed, Roster } from '../lib/roster.ts';
import { KEEP_ALIVE_DELAY, type SocketOptions } from './socket-options.ts';

/** How often sockets are looked at, in ms: well before a probe would be due. */
const LOOK_EVERY = 15_000;
/** A peer is gone that has acknowledged nothing for so long, in ms, as long as one that is silent (`KEEP_ALIVE_DELAY`). */
const GIVEN_UP_AFTER = KEEP_ALIVE_DELAY;
/** And that has been asked so often since: a live one whose window is full is asked every two minutes, and then answers (RFC 9293 §3.8.6.1). */
const TRIES = 2;

/** A socket whose peer may vanish. */
interface Watched extends Listed {
  readonly fd: number;
  /** Whether its peer is probed when it is silent. */
  isProbed: boolean;
  /** Whether it has sent what its peer, as far as is known, has not acknowledged. */
  owes: boolean;
  /** At which look that was first so, on performance.now()'s clock; Infinity while it is not. */
  owingSince: number;
  /** Told that its peer is gone. */
  onVanished: () => void;
}

/**
 * Notices peers that have vanished, without a FIN or a reset. Who is silent is probed by the kernel (SO_KEEPALIVE), which takes four calls that most
 * connections end without. Who has something to acknowledge is not probed but sent it again, for a quarter of an hour (tcp_retries2 of tcp(7));
 * TCP_USER_TIMEOUT would end peers that live and do not read as well.
 *
 * Such a peer is given up when it has acknowledged nothing for a minute since it had to, though asked twice
 * or more (TCP_INFO; RFC 9293 §3.8.6.1 wants one that does not read to live). Over streams, which no call
 * reaches, the quarter of an hour stands.
 */
export class PeerWatch {
  readonly #options: SocketOptions;
  readonly #sockets = new Roster<Watched>();
  #isWaiting = false;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  add(socket: Watched): void {
    this.#sockets.add(socket);
    this.#wait();
  }

  /** To be called when a socket's descriptor is closed or given away. */
  forget(socket: Watched): void {
    this.#sockets.delete(socket);
  }

  /** There is no timer while there are no sockets. */
  #wait(): void {
    if (this.#isWaiting || this.#sockets.size === 0) return;
    this.#isWaiting = true;
    setTimeout(() => this.#look(), LOOK_EVERY).unref();
  }

  #look(): void {
    this.#isWaiting = false;
    for (const socket of this.#sockets.toArray()) {
      if (!socket.isProbed) this.#options.keepAlive(socket.fd);
      socket.isProbed = true;
      if (socket.owes) this.#judge(socket);
    }
    this.#wait();
  }

  #judge(socket: Watched): void {
    const { isPending, tries, silence } = this.#options.delivery(socket.fd);
    const now = performance.now();
    socket.owes = isPending;
    socket.owingSince = isPending ? Math.min(socket.owingSince, now) : Infinity;
    // Before there was something to acknowledge, it may have been silent for long.
    const unacknowledged = Math.min(silence, now - socket.owingSince);
    if (tries >= TRIES && unacknowledged >= GIVEN_UP_AFTER) socket.onVanished();
  }
}
