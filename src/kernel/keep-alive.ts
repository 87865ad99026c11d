import { type Listed, Roster } from '../roster.ts';
import type { SocketOptions } from './socket-options.ts';

/** When sockets are looked at after the first of them came, in ms: well before a probe would be due. */
const LOOK_AFTER = 30_000;

/** A socket that is to be probed when its peer is silent. */
interface Probed extends Listed {
  readonly fd: number;
}

/**
 * Switches keep-alive on for sockets that live long enough to need it: it takes four calls, which most connections end without. There is no
 * timer while there are none that are young.
 */
export class KeepAlive {
  readonly #options: SocketOptions;
  readonly #young = new Roster<Probed>();
  #isWaiting = false;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  add(socket: Probed): void {
    this.#young.add(socket);
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(() => this.#look(), LOOK_AFTER).unref();
  }

  /** To be called when a socket's descriptor is closed or given away; whether it is not probed yet. */
  forget(socket: Probed): boolean {
    return this.#young.delete(socket);
  }

  #look(): void {
    this.#isWaiting = false;
    for (const { fd } of this.#young.clear()) this.#options.keepAlive(fd);
  }
}
