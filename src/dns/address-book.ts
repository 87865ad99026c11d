import type { LookupAddress } from 'node:dns';

import { abortable } from '../lib/abortable.ts';
import type { atMost } from '../lib/at-most.ts';
import { messageOf } from '../lib/message-of.ts';
import { isFinal } from '../lib/resolve-error.ts';
import type { Log } from '../log/log.ts';
import { limitAddresses, type Limited } from './limit-addresses.ts';
import type { NameLookup } from './name-lookup.ts';
import type { AddressRecord, Answer } from './resolver.ts';
import type { AddressSource, SourceStatus } from './source.ts';

/** What the books of all names share. */
interface Options {
  /** Whether the answer is kept fresh; if not, the first one stays. */
  readonly refresh: boolean;
  /** Has the book's own questions wait for others'; whoever wants an address does not. */
  readonly limited: ReturnType<typeof atMost>;
  /** Told that some name has other addresses than before. */
  readonly onChange: () => void;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

interface KeptAnswer extends Limited<AddressRecord> {
  /** The shortest TTL that was told, and what is made of it, in s. */
  readonly told: number;
  readonly ttl: number;
  /** Whether it is the end of a cached answer's time, not a TTL of its own. */
  readonly isTail: boolean;
  readonly at: number;
}

/** Bounds on a TTL, in s: no server is asked more often, and no answer trusted longer. */
const MIN_TTL = 5;
const MAX_TTL = 3_600;
/** When an answer is asked for anew, in parts of its TTL: before it ends, and not all books at once. */
const REFRESH_FROM = 0.75;
const REFRESH_JITTER = 0.15;
/** Pauses between attempts while there is no answer, in ms. */
const FIRST_RETRY = 1_000;
const LAST_RETRY = 30_000;
/** The least time between two questions, in ms. */
const MIN_PAUSE = 1_000;
/** To what pauses are rounded, in ms: timers of one duration share a list, which would take more memory than the book. */
const TICK = 100;

/** A name's current addresses, kept fresh in the background. Failures keep the last good answer (RFC 8767) and are logged once, as is their end. */
export class AddressBook implements AddressSource {
  readonly #lookup: Pick<NameLookup, 'name' | 'ask'>;
  readonly #options: Options;
  #answer: KeptAnswer | null = null;
  /** What the newest question came to; null when it was answered. */
  #failure: unknown = null;
  #retry = FIRST_RETRY;
  #askedAt = -Infinity;
  /** One question in flight: who asks while it is joins in. */
  #asking: Promise<void> | null = null;
  #over: AbortController | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed: Error | null = null;

  /** Asks at once. */
  constructor(lookup: Pick<NameLookup, 'name' | 'ask'>, options: Options) {
    this.#lookup = lookup;
    this.#options = options;
    void this.#askInTurn();
  }

  async addresses(waiting: AbortSignal, { fresh = false } = {}): Promise<readonly LookupAddress[]> {
    const mustAsk = this.#answer === null ? !this.#isDecided() : fresh && this.#options.refresh;
    if (mustAsk) await abortable(this.#ask(), waiting);
    if (this.#answer === null) throw this.#failure;
    return this.#answer.records;
  }

  status(): SourceStatus {
    const answer = this.#answer;
    return {
      addresses: addressesOf(answer?.records),
      leftOut: answer?.leftOut ?? 0,
      ttl: answer?.ttl ?? null,
      age: answer === null ? null : Math.round((performance.now() - answer.at) / 1_000),
      problem: this.#failure === null ? null : messageOf(this.#failure),
    };
  }

  close(reason: Error): void {
    this.#closed = reason;
    this.#over?.abort(reason);
    this.#stopTimer();
  }

  /** A definite answer is believed for as long as nobody may ask again. */
  #isDecided(): boolean {
    return this.#asking === null && isFinal(this.#failure) && performance.now() - this.#askedAt < MIN_PAUSE;
  }

  /** Not where it has been asked, or the book closed, before its turn comes. Never rejects. */
  async #askInTurn(): Promise<void> {
    const before = this.#askedAt;
    await this.#options.limited(async () => {
      if (this.#askedAt === before && this.#closed === null) await this.#ask();
    });
  }

  /** Never rejects. */
  #ask(): Promise<void> {
    this.#stopTimer();
    this.#asking ??= this.#askNow();
    return this.#asking;
  }

  async #askNow(): Promise<void> {
    const early = this.#askedAt + MIN_PAUSE - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    this.#askedAt = performance.now();
    this.#over = new AbortController();
    try {
      if (this.#closed !== null) throw this.#closed;
      this.#accept(await this.#lookup.ask(this.#over.signal));
    } catch (err) {
      this.#fail(err);
    }
    this.#over = null;
    this.#asking = null;
    if (this.#closed === null && (this.#options.refresh || this.#answer === null))
      this.#timer = setTimeout(() => void this.#askInTurn(), this.#nextPause());
  }

  #fail(err: unknown): void {
    if (this.#failure === null && this.#closed === null) {
      const kept = addressesOf(this.#answer?.records);
      const { name } = this.#lookup;
      this.#options.log.warn({ name, err, kept }, 'the name cannot be resolved; still trying');
    }
    this.#failure = err;
  }

  /** Of a family that nobody could tell about, the last good addresses stay, and it is asked for again soon. */
  #accept({ records: given, leftOut, unknown }: Answer): void {
    const former = this.#answer;
    const kept = former?.records.filter(({ family }) => unknown.includes(family)) ?? [];
    const { records, ...rest } = limitAddresses([
      ...given,
      ...kept.map((record) => ({ ...record, ttl: MIN_TTL })),
    ]);
    const hasChanged = this.#logChange(addressesOf(records), addressesOf(former?.records));
    this.#failure = null;
    this.#retry = FIRST_RETRY;
    const told = Math.min(MAX_TTL, ...records.map((record) => record.ttl));
    // What a cache says near the end of an answer's time: the true one comes as soon as that is over.
    const isTail = told < MIN_TTL && former !== null && former.told >= MIN_TTL;
    this.#answer = {
      records,
      leftOut: leftOut + rest.leftOut,
      told,
      ttl: Math.max(isTail ? 1 : MIN_TTL, told),
      isTail,
      at: performance.now(),
    };
    if (hasChanged) this.#options.onChange();
  }

  #logChange(addresses: readonly string[], before: readonly string[]): boolean {
    const { log } = this.#options;
    const { name } = this.#lookup;
    const hasChanged = new Set(before).symmetricDifference(new Set(addresses)).size > 0;
    if (this.#failure !== null && this.#answer !== null)
      log.info({ name, addresses, before }, 'the name can be resolved again');
    else if (hasChanged) log.info({ name, addresses, before }, 'name resolved');
    return hasChanged;
  }

  #nextPause(): number {
    if (this.#failure === null && this.#answer !== null) {
      const { isTail, ttl } = this.#answer;
      const part = isTail ? 1 : REFRESH_FROM + REFRESH_JITTER * Math.random();
      return Math.round((ttl * 1_000 * part) / TICK) * TICK;
    }
    const pause = this.#retry;
    this.#retry = Math.min(this.#retry * 2, LAST_RETRY);
    return pause;
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function addressesOf(records: readonly AddressRecord[] = []): readonly string[] {
  return records.map(({ address }) => address);
}
