import { forgetFlows, type Which } from '../lane/conntrack.ts';
import type { Ending } from '../lane/ruleset.ts';
import { throttle } from '../lib/throttle.ts';
import type { Log } from '../log/log.ts';
import { SAID_EVERY } from '../relay/relay.ts';
import { LINGER } from '../relay/tcp/tcp-socket.ts';

interface Options {
  /** Told when lanes whose connections were to end may be open again. */
  readonly onEnded: () => void;
  readonly log: Pick<Log, 'warn'>;
}

/**
 * Ends what the kernel has taken. A connection is reset as one of its ends says something, which rules do that are the caller's to write; those that say
 * nothing for `LINGER` are forgotten, and reset with their next packet. Their lanes are not to take new ones before. A session of UDP has nobody to tell, and
 * is forgotten at once.
 */
export class LaneEnds {
  readonly #options: Options;
  readonly #sayFailed: (err: unknown) => void;
  /** Lanes whose connections are to end, or all; each until its timer has them forgotten. */
  readonly #ending = new Map<number | 'all', NodeJS.Timeout>();
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
    return this.#due.size > 0;
  }

  isEnding(id: number): boolean {
    return this.#ending.has('all') || this.#ending.has(id);
  }

  /** Ends all there is. */
  endAll(): void {
    this.#due.set('sessions', { protocol: 'udp' });
    for (const timer of this.#ending.values()) clearTimeout(timer);
    this.#ending.clear();
    this.#end('all');
  }

  endConnections(id: number): void {
    if (!this.isEnding(id)) this.#end(id);
  }

  /** Those to one address alone, where one is given. */
  endSessions(id: number, target?: string): void {
    const whole = { id, protocol: 'udp' } as const;
    this.#due.set(`${id} ${target ?? ''}`, target === undefined ? whole : { ...whole, target });
  }

  /** Has the kernel forget what is due; what fails is tried again next time. One behind the other, as each takes a program. Never rejects. */
  async forget(): Promise<void> {
    if (this.areOverdue) this.#forgetting ??= this.#forgetAll();
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

  #end(key: number | 'all'): void {
    const timer = setTimeout(() => {
      this.#due.set(key, key === 'all' ? { protocol: 'tcp' } : { id: key, protocol: 'tcp' });
      void this.forget();
    }, LINGER).unref();
    this.#ending.set(key, timer);
  }
}
