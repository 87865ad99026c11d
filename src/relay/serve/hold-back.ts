import { GrowingBytes } from '../../wire/growing-bytes.ts';
import type { Connection } from '../tcp/connection.ts';
import type { TcpSocketHandler } from '../tcp/tcp-socket.ts';

/**
 * What is kept of a client that has to wait, in bytes: more than TLS clients send before the server answers, early data (RFC 8446 §4.2.10) for the most part.
 */
const MAX_HELD = 64 * 1024;

/** Keeps what a client sends until it is released, and resets a client that ends before that. */
export class HoldBack implements TcpSocketHandler {
  readonly onlyMovesBytes = false;
  readonly #connection: Connection;
  readonly #held = new GrowingBytes();

  constructor(connection: Connection) {
    const { client } = connection;
    this.#connection = connection;
    client.handler = this;
    client.readLimit = MAX_HELD;
    client.start();
  }

  onBytes(bytes: Buffer, length: number): void {
    this.#held.add(bytes, 0, length);
    if (this.#held.length >= MAX_HELD) this.#connection.client.pause();
  }

  onFin(): void {
    this.#connection.reset();
  }

  onFailing(): void {
    this.#connection.reset();
  }

  onRoom(): void {}

  onClose(): void {
    this.#connection.left();
  }

  /** Gives the client back, with what it has sent. */
  release(): void {
    const { client } = this.#connection;
    if (!client.isOpen) return this.#held.free();
    if (this.#held.length > 0) client.putBack(this.#held.take());
    client.release();
  }
}
