import { endpoint } from '../endpoint.ts';
import type { Meter } from '../meter.ts';
import type { Target } from '../target.ts';
import type { TcpSocket } from './tcp-socket.ts';

/** A connection to a target. */
export class Upstream {
  readonly target: Target;
  readonly meter: Meter;
  readonly socket: TcpSocket;
  readonly #address: string;

  constructor(
    socket: TcpSocket,
    { target, address, meter }: { readonly target: Target; readonly address: string; readonly meter: Meter },
  ) {
    this.target = target;
    this.#address = address;
    this.meter = meter;
    this.socket = socket;
  }

  /** The address and port that it has reached. */
  get address(): string {
    return endpoint(this.#address, this.target.port);
  }
}
