import type { LookupAddress } from 'node:dns';

import { ResolveError } from '../lib/resolve-error.ts';
import type { AddressSource } from './source.ts';

/** How long one is kept without being used, in ms, and how many are. */
const KEPT_FOR = 600_000;
const MAX_KEPT = 256;

/** The source of a name, until nobody has wanted it for a while. */
class PassingSource implements AddressSource {
  readonly source: AddressSource;
  readonly #timer: NodeJS.Timeout;
  /** How many wait for its addresses. */
  #waiting = 0;

  constructor(source: AddressSource, onUnused: () => void) {
    this.source = source;
    this.#timer = setTimeout(onUnused, KEPT_FOR).unref();
  }

  get isWaitedFor(): boolean {
    return this.#waiting > 0;
  }

  async addresses(...how: Parameters<AddressSource['addresses']>): Promise<readonly LookupAddress[]> {
    this.#waiting++;
    try {
      return await this.source.addresses(...how);
    } finally {
      this.#waiting--;
    }
  }

  status(): ReturnType<AddressSource['status']> {
    return this.source.status();
  }

  /** Puts off its end. */
  use(): void {
    this.#timer.refresh();
  }

  /** Keeps it for as long as it is wanted by others. */
  release(): AddressSource {
    clearTimeout(this.#timer);
    return this.source;
  }

  close(reason: Error): void {
    this.release().close(reason);
  }
}

/** Sources of names that are not listed, as clients choose them below a wildcard. */
export class PassingSources {
  readonly #open: (name: string) => AddressSource;
  /** The least recently used first. */
  readonly #kept = new Map<string, PassingSource>();

  constructor(open: (name: string) => AddressSource) {
    this.#open = open;
  }

  of(name: string): AddressSource {
    const source = this.#kept.get(name) ?? this.#openNew(name);
    source.use();
    this.#kept.delete(name);
    this.#kept.set(name, source);
    return source;
  }

  /** Hands a name's source over; null where there is none. */
  take(name: string): AddressSource | null {
    const source = this.#kept.get(name);
    this.#kept.delete(name);
    return source?.release() ?? null;
  }

  close(reason: Error): void {
    for (const name of this.#kept.keys()) this.#closeOne(name, reason);
  }

  [Symbol.iterator](): Iterator<[string, AddressSource]> {
    return this.#kept.entries();
  }

  #openNew(name: string): PassingSource {
    this.#makeRoom();
    return new PassingSource(this.#open(name), () =>
      this.#closeOne(name, new Error(`nobody wants ${name} any more`)),
    );
  }

  /**
   * Closes one when there are too many: the least recently used for which nobody waits. When all are waited for it is the oldest of all, which is the
   * likeliest never to be answered: names that hang, as clients may choose them, do not keep out one that is answered.
   */
  #makeRoom(): void {
    if (this.#kept.size < MAX_KEPT) return;
    const all = [...this.#kept];
    const [name = ''] = all.find(([, { isWaitedFor }]) => !isWaitedFor) ?? all[0] ?? [];
    const message = `more than ${MAX_KEPT} names below wildcards are wanted`;
    this.#closeOne(name, new ResolveError(message, { isFinal: true }));
  }

  #closeOne(name: string, reason: Error): void {
    this.#kept.get(name)?.close(reason);
    this.#kept.delete(name);
  }
}
