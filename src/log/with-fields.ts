import type { Field, Fields, Lines, Message } from './lines.ts';
import type { Log } from './log.ts';

/** A log that puts these fields in front of those of each line. */
export class WithFields<F extends Field> implements Log<F> {
  readonly #log: Log;
  readonly #given: Pick<Fields, F>;

  constructor(log: Log, given: Pick<Fields, F>) {
    this.#log = log;
    this.#given = given;
  }

  warn<M extends Message>(fields: Lines<F>[M], message: M, times?: number): void {
    this.#log.warn(this.#all(fields), message, times);
  }

  info<M extends Message>(fields: Lines<F>[M], message: M): void {
    this.#log.info(this.#all(fields), message);
  }

  debug<M extends Message>(fields: Lines<F>[M], message: M): void {
    this.#log.debug(this.#all(fields), message);
  }

  #all<M extends Message>(fields: Lines<F>[M]): Lines[M] {
    return { ...this.#given, ...fields } as Lines[M];
  }
}
