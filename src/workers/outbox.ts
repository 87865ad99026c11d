import { setTimeout as delay } from 'node:timers/promises';

import { inWords } from '../lib/message-of.ts';
import { keyOfRepeats } from '../log/fold-repeats.ts';
import type { Lines, Message } from '../log/lines.ts';
import type { Log } from '../log/log.ts';
import type { Counted } from '../relay/name-table.ts';
import type { Line, News } from './calls.ts';

/** The least time from one piece of news to the next, in ms. */
const PAUSE = 20;
/** So many lines may wait; more are dropped, and counted. */
const MAX_LINES = 2_000;

/**
 * What a worker has to tell the main thread, at once if nothing was told lately. Until the main thread has taken that, and `PAUSE` has passed, what happens is
 * put together: of a state the last counts, of repeated warnings how many they are, and lines are bounded. So nothing piles up between the threads,
 * however much happens and however busy the main thread is.
 */
export class Outbox {
  readonly #send: (news: News) => Promise<unknown>;
  #lines: Line[] = [];
  /** Lines that may be repeated, by what their repeats have in common. */
  #warnings = new Map<string, Line>();
  #dropped = 0;
  #dialled = new Map<number, string | null>();
  #crowded = new Set<number>();
  #names: Counted[] = [];
  #hasTraffic = false;
  #isResting = false;

  /** `tell` resolves when the main thread has taken the news. */
  constructor(tell: (news: News) => Promise<unknown>) {
    this.#send = tell;
  }

  log<M extends Message>(level: keyof Log, fields: Lines[M], message: M): void {
    const key = level === 'warn' ? keyOfRepeats(fields, message) : null;
    const same = key === null ? undefined : this.#warnings.get(key);
    if (same !== undefined) same.times++;
    else if (this.#lines.length === MAX_LINES) this.#dropped++;
    else {
      const line = { level, fields: inWords(fields), message, times: 1 };
      this.#lines.push(line);
      if (key !== null) this.#warnings.set(key, line);
    }
    this.#offer();
  }

  dialled(port: number, failure: string | null): void {
    this.#dialled.set(port, failure);
    this.#offer();
  }

  crowded(port: number): void {
    this.#crowded.add(port);
    this.#offer();
  }

  /** A name is counted from now on; whoever counts bounds how many there are. */
  counted(name: Counted): void {
    this.#names.push(name);
    this.#offer();
  }

  traffic(): void {
    this.#hasTraffic = true;
    this.#offer();
  }

  /** Tells all that waits, before whatever is told next. */
  flush(): void {
    void this.#send(this.#take());
  }

  #offer(): void {
    if (!this.#isResting) void this.#sendOn();
  }

  async #sendOn(): Promise<void> {
    this.#isResting = true;
    while (this.#hasNews) await Promise.all([this.#send(this.#take()), delay(PAUSE)]);
    this.#isResting = false;
  }

  get #hasNews(): boolean {
    const { length } = this.#lines;
    return length + this.#dialled.size + this.#crowded.size + this.#names.length > 0 || this.#hasTraffic;
  }

  #take(): News {
    if (this.#dropped > 0) this.#lines.push(describeGap(this.#dropped));
    const news = {
      lines: this.#lines,
      dialled: this.#dialled,
      crowded: this.#crowded,
      names: this.#names,
      hasTraffic: this.#hasTraffic,
    };
    this.#lines = [];
    this.#warnings = new Map();
    this.#dropped = 0;
    this.#dialled = new Map();
    this.#crowded = new Set();
    this.#names = [];
    this.#hasTraffic = false;
    return news;
  }
}

function describeGap(lines: number): Line {
  const message = `${lines} lines dropped: the main thread was too busy to take them` as const;
  return { level: 'warn', fields: { lines }, message, times: 1 };
}
