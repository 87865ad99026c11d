import { Refusal } from '../../wire/refusal.ts';
import type { Connection, Holder } from '../tcp/connection.ts';
import { NAME_TIMEOUT, timeUntil } from './name-deadline.ts';
import { EndedError, FirstListener, type Reader } from './read-first.ts';

/** How much is read at first, in bytes: more than most openings are long, as what comes behind one is kept too. */
const FIRST = 4 * 1024;
/** What is kept of an opening is here, and in the reader. */
const COPIES = 2;

/**
 * What a client sends first; it is still to be read. Rejects with what the reader throws, with a Refusal when it takes until the deadline or ends
 * too early, or with an EndedError when it has sent nothing or is gone.
 */
export function readOpening<T>(connection: Connection, reader: Reader<T>, deadline: number): Promise<T> {
  return new OpeningListener(connection, reader, deadline).promise;
}

class OpeningListener<T> extends FirstListener<T> implements Holder {
  readonly #connection: Connection;

  constructor(connection: Connection, reader: Reader<T>, deadline: number) {
    super(connection.client, reader);
    this.#connection = connection;
    connection.holder = this;
    connection.awaitName();
    this.start(timeUntil(deadline), FIRST);
  }

  protected override onSeen(): void {
    this.#connection.hold(this.seen.size * COPIES);
  }

  onFin(): void {
    const ended = new EndedError(this.seen.length);
    this.fail(this.seen.length === 0 ? ended : new Refusal('no name', `${ended.message}, without a name`));
  }

  cut(): void {
    this.socket.reset();
  }

  override onClose(): void {
    this.#connection.left();
    super.onClose();
  }

  protected override onSilence(): void {
    this.fail(new Refusal('silent', `no name within ${NAME_TIMEOUT} ms`));
  }

  protected override giveBack(): void {
    this.#connection.holder = null;
    super.giveBack();
  }
}
