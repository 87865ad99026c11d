import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';

import type { Lines } from './lines.ts';

/** Lines that were dropped, and the last error that kept them from being written. */
export type Gap = Lines[`${number} lines dropped: standard output could not be written`];

/** What waits until it can be written, in bytes; lines beyond that are dropped. */
const MAX_WAITING = 1024 * 1024;
/** Between attempts to write what waits, in ms: the first pause after progress, and the longest. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2_000;
/** The same while the process waits for it before it ends. */
const PAUSE_AT_END = 10;

/**
 * Writes lines to a descriptor in order, each at once where the descriptor takes it, and never blocks on a pipe, socket or terminal. After any
 * failure (EAGAIN, ENOSPC, EPIPE, …) lines wait for the next attempt. Once MAX_WAITING is reached, lines are dropped until all that waits is
 * written; then `onGap` is called, so that a line about the gap stands in its place.
 *
 * pino's own destination writes through libuv's thread pool: a write that blocks there holds up name lookups
 * and the exit, and its flush at exit overtakes a write under way.
 */
export class LineOutput {
  readonly isTerminal: boolean;
  /** Lines dropped since the start. */
  dropped = 0;
  /** To be set by whoever has a line to write about a gap. */
  onGap: (gap: Gap) => void = () => {};
  readonly #fd: number;
  #waiting: Buffer[] = [];
  #size = 0;
  /** Lines dropped since the last gap was reported. */
  #gap = 0;
  #problem: unknown = null;
  #pause = FIRST_PAUSE;
  #timer: NodeJS.Timeout | undefined;

  constructor(fd: number) {
    this.#fd = withoutBlocking(fd);
    this.isTerminal = isatty(fd);
  }

  /** Takes one line, with its newline. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#gap > 0 || this.#size + bytes.length > MAX_WAITING) {
      this.#gap++;
      this.dropped++;
      return;
    }
    this.#waiting.push(bytes);
    this.#size += bytes.length;
    if (this.#timer === undefined) this.#flush();
  }

  /** Resolves when all is written, or after so long, in ms. */
  async finish(within: number): Promise<void> {
    const deadline = performance.now() + within;
    while (this.#size > 0 && performance.now() < deadline) {
      await delay(PAUSE_AT_END);
      this.#flush();
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const rest = this.#writeOut(Buffer.concat(this.#waiting));
    this.#size = rest.length;
    this.#waiting = rest.length > 0 ? [rest] : [];
    if (rest.length > 0) {
      this.#timer = setTimeout(() => this.#flush(), this.#pause).unref();
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    } else if (this.#gap > 0) {
      const gap = { lines: this.#gap, err: this.#problem };
      this.#gap = 0;
      this.onGap(gap);
    }
  }

  /** Writes as much as the descriptor takes; the rest. */
  #writeOut(bytes: Buffer): Buffer {
    let written = 0;
    try {
      while (written < bytes.length) {
        written += writeSync(this.#fd, bytes, written);
        this.#pause = FIRST_PAUSE;
      }
    } catch (cause) {
      this.#problem = cause;
    }
    return bytes.subarray(written);
  }
}

/**
 * A descriptor for the same output on which write(2) does not block. O_NONBLOCK belongs to the open file description (open(2)), which other
 * processes may share: a pipe or a terminal is therefore opened anew through /proc. A socket cannot be (ENXIO), so that the shared description
 * is changed there, as Node does for its own process.stdout; Node restores its flags at exit.
 */
function withoutBlocking(fd: number): number {
  // A file would be opened at its start, and writing to one does not wait for anybody.
  if (fstatSync(fd).isFile()) return fd;
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return shareWithoutBlocking(fd);
  }
}

function shareWithoutBlocking(fd: number): number {
  try {
    new Socket({ fd, readable: false }).unref();
  } catch {
    // Neither a pipe nor a socket: it stays as it is.
  }
  return fd;
}
