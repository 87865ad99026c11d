/** Calls back whenever nothing has happened for `timeout` ms. */
export class IdleTimer {
  /** When something happened last, on performance.now()'s clock. */
  lastActiveAt = performance.now();

  readonly #timeout: number;
  readonly #onIdle: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** 0: never. */
  constructor(timeout: number, onIdle: () => void) {
    this.#timeout = timeout;
    this.#onIdle = onIdle;
    if (timeout > 0) this.#wait(timeout);
  }

  /** To be called when something happens. Reading the clock costs less than setting a timer back. */
  touch(): void {
    if (this.#timeout > 0) this.lastActiveAt = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(time: number): void {
    this.#timer = setTimeout(() => this.#look(), time);
  }

  #look(): void {
    const left = this.lastActiveAt + this.#timeout - performance.now();
    this.#wait(left > 0 ? left : this.#timeout);
    if (left <= 0) this.#onIdle();
  }
}
