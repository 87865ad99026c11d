import type { Connection, Holder } from './connection.ts';
import { type TcpSocket, type TcpSocketHandler, LINGER } from './tcp-socket.ts';

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Says a last thing to a client and closes it so that it is read; resolves when it is closed. Until then, for 5 s at most, what it still sends is read and
 * dropped: closing a socket with something unread resets it (RFC 2525 §2.17), and a reset throws away what has arrived.
 */
export function hangUp(connection: Connection, lastWords = NOTHING): Promise<void> {
  return new Leaver(connection, lastWords).closed;
}

class Leaver implements TcpSocketHandler, Holder {
  readonly onlyMovesBytes = false;
  readonly closed: Promise<void>;
  readonly #resolve: () => void;
  readonly #connection: Connection;
  readonly #client: TcpSocket;
  readonly #timer: NodeJS.Timeout;

  constructor(connection: Connection, lastWords: Buffer) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolve = resolve;
    this.#connection = connection;
    this.#client = connection.client;
    this.#timer = setTimeout(() => this.#client.close(), LINGER);
    connection.holder = this;
    this.#client.handler = this;
    this.#client.write(lastWords, 0, lastWords.length);
    this.#client.sendFin();
    if (this.#client.isOpen) this.#client.start();
    else this.onClose();
  }

  onBytes(): void {}

  onFin(): void {}

  onFailing(): void {}

  onRoom(): void {}

  onClose(): void {
    clearTimeout(this.#timer);
    this.#connection.left();
    this.#resolve();
  }

  cut(): void {
    this.#client.reset();
  }
}
