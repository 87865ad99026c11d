import { forgetFlows, type Which } from '../lane/conntrack.ts';
import type { Ending } from '../lane/ruleset.ts';
import { throttle } from '../lib/throttle.ts';
import type { Log } from '../log/log.ts';
import { SAID_EVERY } from '../relay/relay.ts';
import { LINGER } from '../relay/tcp/tcp-socket.ts';

interface Options {
  /** Told when lanes whose connections were to end may be open again. */
  readonly onEnded: () => void;
  /** Told when something could not be forgotten, which `finish` tries again. */
  readonly onFailed: () => void;
  readonly log: Pick<Log, 'warn'>;
}

/** What rules that are about to be written end. */
interface Batch {
  readonly sessions: readonly (readonly [string, Which])[];
  readonly connections: readonly (number | 'all')[];
}

/**
 * Ends what the kernel has taken, once rules are written that take nothing new of it. A connection is reset as one of its ends says something, by these rules;
 * those that say nothing for `LINGER` are forgotten, and reset with their next packet. Their lanes are not to take new ones before. A session of UDP has nobody
 * to tell, and is forgotten at once.
 */
export class LaneEnds {
  readonly #options: Options;
  readonly #sayFailed: (err: unknown) => void;
  /** Lanes whose connections are to end, or all; with the timer that has them forgotten, once there are rules that reset them. */
  readonly #ending = new Map<number | 'all', NodeJS.Timeout | null>();
  /** Sessions that are to be forgotten once there are rules that take no new ones. */
  readonly #sessions = new Map<string, Which>();
  /** Flows that are to be forgotten now, by what they are of. */
  readonly #due = new Map<number | string, Which>();
  #forgetting: Promise<void> | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.#sayFailed = throttle(SAID_EVERY, (err: unknown) =>
      options.log.warn({ err }, 'flows of the kernel cannot be ended; still trying'),
    );
  }

  /** Lanes whose connections are to end now. */
  get ending(): Ending {
    return this.#ending.has('all') ? 'all' : new Set(this.#ending.keys() as MapIterator<number>);
  }

  /** Whether there is something that the kernel was to forget, and has not yet. */
  get areOverdue(): boolean {
    return this.#sessions.size + this.#due.size > 0;
  }

  /** Whether connections of this lane are to end. */
  isEnding(id: number): boolean {
    return this.#ending.has('all') || this.#ending.has(id);
  }

  /** Ends all there is. */
  endAll(): void {
    for (const timer of this.#ending.values()) clearTimeout(timer ?? undefined);
    for (const each of [this.#ending, this.#sessions, this.#due]) each.clear();
    this.#ending.set('all', null);
    this.#sessions.set('all sessions', { protocol: 'udp' });
  }

  endConnections(id: number): void {
    if (!this.isEnding(id)) this.#ending.set(id, null);
  }

  /** Those to one address alone, where one is given. */
  endSessions(id: number, target?: string): void {
    const whole = { id, protocol: 'udp' } as const;
    this.#sessions.set(`${id} ${target ?? ''}`, target === undefined ? whole : { ...whole, target });
  }

  /** What the rules end that are about to be written: to be handed to `finish` when they are. */
  begin(): Batch {
    const unruled = [...this.#ending].filter(([, timer]) => timer === null);
    return { sessions: [...this.#sessions], connections: unruled.map(([key]) => key) };
  }

  /** Has that forgotten, at once or in time. Never rejects. */
  async finish({ sessions, connections }: Batch): Promise<void> {
    for (const [key, which] of sessions) {
      if (this.#sessions.get(key) !== which) continue;
      this.#sessions.delete(key);
      this.#due.set(key, which);
    }
    for (const key of connections) if (this.#ending.get(key) === null) this.#linger(key);
    await this.#forget();
  }

  #linger(key: number | 'all'): void {
    const timer = setTimeout(() => {
      this.#due.set(key, key === 'all' ? { protocol: 'tcp' } : { id: key, protocol: 'tcp' });
      void this.#forget();
    }, LINGER).unref();
    this.#ending.set(key, timer);
  }

  /** What fails is tried again next time. One behind the other, as each takes a program. */
  async #forget(): Promise<void> {
    if (this.#due.size > 0) this.#forgetting ??= this.#forgetAll();
    await this.#forgetting;
  }

  async #forgetAll(): Promise<void> {
    const failed = new Set<Which>();
    const next = () => [...this.#due].find(([, which]) => !failed.has(which));
    for (let due = next(); due !== undefined; due = next()) {
      const [key, which] = due;
      try {
        await forgetFlows(which);
        if (this.#due.get(key) === which) this.#note(key);
      } catch (err) {
        failed.add(which);
        this.#sayFailed(err);
        this.#options.onFailed();
      }
    }
    this.#forgetting = null;
  }

  #note(forgotten: number | string): void {
    this.#due.delete(forgotten);
    if (forgotten !== 'all' && typeof forgotten !== 'number') return;
    this.#ending.delete(forgotten);
    this.#options.onEnded();
  }
}
