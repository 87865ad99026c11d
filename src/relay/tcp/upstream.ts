import type { Socket } from 'node:net';

import type { BareSocket } from '../../kernel/bare-socket.ts';
import { endpoint } from '../endpoint.ts';
import type { Meter } from '../meter.ts';
import type { Target } from '../target.ts';
import { reset } from './reset.ts';
import { bareOf, streamOf, type TcpSocket } from './tcp-socket.ts';

/** A connection to a target. */
export class Upstream {
  readonly target: Target;
  readonly meter: Meter;
  readonly connected: TcpSocket;
  readonly #address: string;

  constructor(
    connected: TcpSocket,
    { target, address, meter }: { readonly target: Target; readonly address: string; readonly meter: Meter },
  ) {
    this.target = target;
    this.#address = address;
    this.meter = meter;
    this.connected = connected;
  }

  /** The address and port that it has reached. */
  get address(): string {
    return endpoint(this.#address, this.target.port);
  }

  /** It as a bare socket; null once somebody has asked for the stream. */
  get bare(): BareSocket | null {
    return bareOf(this.connected);
  }

  reset(): void {
    reset(this.connected);
  }

  /** It as a stream, which reads ahead as one from `net.connect` does: so its end is noticed. */
  get socket(): Socket {
    const unread = this.bare?.unread.length;
    const socket = streamOf(this.connected);
    if (unread !== undefined) {
      this.meter.beginStream(unread);
      socket.read(0);
    }
    return socket;
  }
}
