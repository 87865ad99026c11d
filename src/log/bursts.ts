import type { SomeFields } from './lines.ts';
import type { Log, Writer } from './log.ts';

/** What lines that are counted together have in common. */
interface Repeated {
  readonly level: keyof Log;
  readonly message: string;
  readonly common: SomeFields;
}

/** Lines that are counted instead of being written. */
interface Burst extends Repeated {
  readonly startedAt: number;
  /** How many have not been written. */
  more: number;
  timer: NodeJS.Timeout | undefined;
}

/** How long lines are counted, in ms. */
const WINDOW = 10_000;

/**
 * Counts lines of one key together for 10 s, and then writes how many there were. There is no timer while there is nothing to be written. Every `now` is a
 * time of performance.now().
 */
export class Bursts {
  readonly #log: Writer;
  /** The oldest first. */
  readonly #bursts = new Map<string, Burst>();

  constructor(log: Writer) {
    this.#log = log;
  }

  /** Whether lines of this key are being counted. */
  has(key: string): boolean {
    return this.#bursts.has(key);
  }

  /** Begins to count, behind a line that is written. */
  open(key: string, repeated: Repeated, now: number): Burst {
    const burst = { ...repeated, startedAt: now, more: 0, timer: undefined };
    this.#bursts.set(key, burst);
    return burst;
  }

  /** Counts so many lines, and begins to where that has not been done. */
  count(
    key: string,
    repeated: Repeated,
    { now, times }: { readonly now: number; readonly times: number },
  ): void {
    const burst = this.#bursts.get(key) ?? this.open(key, repeated, now);
    burst.more += times;
    burst.timer ??= setTimeout(() => this.#close(key, burst), burst.startedAt + WINDOW - now);
  }

  /** Writes what has been counted for 10 s. To be called first at each time. */
  closeExpired(now: number): void {
    for (const [key, burst] of this.#bursts) {
      if (now - burst.startedAt < WINDOW) return;
      this.#close(key, burst);
    }
  }

  /** Writes all that has been counted so far. */
  flush(): void {
    for (const [key, burst] of this.#bursts) this.#close(key, burst);
  }

  #close(key: string, { level, message, common, startedAt, more, timer }: Burst): void {
    this.#bursts.delete(key);
    clearTimeout(timer);
    const seconds = Math.ceil(Math.min(performance.now() - startedAt, WINDOW) / 1_000);
    if (more > 0) this.#log[level]({ ...common, more }, `${message} ${more} more in ${seconds} s`);
  }
}
