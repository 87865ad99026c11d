import type { LookupAddress } from 'node:dns';

import { abortable } from '../lib/abortable.ts';
import { messageOf } from '../lib/message-of.ts';
import { isFinal } from '../lib/resolve-error.ts';
import type { takeTurns } from '../lib/take-turns.ts';
import type { Log } from '../log/log.ts';
import { limitAddresses, type Limited } from './limit-addresses.ts';
import type { AddressRecord, Answer } from './resolver.ts';

interface Options {
  /** Asks for the name once; rejects when there is no usable answer, or with the signal's reason. */
  readonly ask: (signal: AbortSignal) => Promise<Answer>;
  /** Whether the answer is kept fresh; if not, the first one stays. */
  readonly refresh: boolean;
  /** Has the book's own questions wait for others'; whoever wants an address does not. */
  readonly inTurn: ReturnType<typeof takeTurns>;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Closes the book. */
  readonly signal: AbortSignal;
}

/** A name's current addresses, kept fresh in the background. */
export interface AddressSource {
  /**
   * The newest good answer. While there is none, and with `fresh`, asks first: at most once a second, for all who want that; a definite failure is believed
   * for that second. Rejects with what was said while there has been no good answer, or with the signal's reason.
   */
  readonly addresses: (
    signal: AbortSignal,
    options?: { readonly fresh?: boolean },
  ) => Promise<readonly LookupAddress[]>;
  readonly status: () => SourceStatus;
}

export interface SourceStatus {
  readonly addresses: readonly string[];
  /** How many more the name has. */
  readonly leftOut: number;
  /** Of the newest good answer, in s; null before there is one. */
  readonly ttl: number | null;
  readonly age: number | null;
  /** Why the name cannot be resolved at present; null when it can. */
  readonly problem: string | null;
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

/** Opens the book on a name and asks at once. Failures keep the last good answer (RFC 8767) and are said once, as is their end. */
export function openAddressBook(name: string, { ask, refresh, inTurn, log, signal }: Options): AddressSource {
  let answer: KeptAnswer | null = null;
  /** What the newest question came to; null when it was answered. */
  let failure: unknown = null;
  let retry = FIRST_RETRY;
  let askedAt = -Infinity;
  let asking: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  /** One question in flight: who asks while it is joins in. Never rejects. */
  function askOnce(): Promise<void> {
    clearTimeout(timer);
    asking ??= askNow().finally(() => {
      asking = null;
      if (!signal.aborted && (refresh || answer === null))
        timer = setTimeout(() => void askInTurn(), nextPause());
    });
    return asking;
  }

  /** Not where it has been asked, or the book closed, before its turn comes. Never rejects. */
  async function askInTurn(): Promise<void> {
    const before = askedAt;
    await inTurn(async () => {
      if (askedAt === before && !signal.aborted) await askOnce();
    });
  }

  async function askNow(): Promise<void> {
    const early = askedAt + MIN_PAUSE - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    askedAt = performance.now();
    try {
      accept(await ask(signal));
    } catch (err) {
      if (failure === null && !signal.aborted) {
        const kept = addressesOf(answer?.records);
        log.warn({ name, err, kept }, 'the name cannot be resolved; still trying');
      }
      failure = err;
    }
  }

  /** Of a family that nobody could tell about, the last good addresses stay, and it is asked for again soon. */
  function accept({ records: given, leftOut, unknown }: Answer): void {
    const kept = answer?.records.filter(({ family }) => unknown.includes(family)) ?? [];
    const { records, ...rest } = limitAddresses([
      ...given,
      ...kept.map((record) => ({ ...record, ttl: MIN_TTL })),
    ]);
    const addresses = addressesOf(records);
    const before = addressesOf(answer?.records);
    const hasChanged = new Set(before).symmetricDifference(new Set(addresses)).size > 0;
    if (failure !== null && answer !== null)
      log.info({ name, addresses, before }, 'the name can be resolved again');
    else if (hasChanged) log.info({ name, addresses, before }, 'name resolved');
    failure = null;
    retry = FIRST_RETRY;
    const told = Math.min(MAX_TTL, ...records.map((record) => record.ttl));
    // What a cache says near the end of an answer's time: the true one comes as soon as that is over.
    const isTail = told < MIN_TTL && answer !== null && answer.told >= MIN_TTL;
    answer = {
      records,
      leftOut: leftOut + rest.leftOut,
      told,
      ttl: Math.max(isTail ? 1 : MIN_TTL, told),
      isTail,
      at: performance.now(),
    };
  }

  function nextPause(): number {
    if (failure === null && answer !== null) {
      const part = answer.isTail ? 1 : REFRESH_FROM + REFRESH_JITTER * Math.random();
      return answer.ttl * 1_000 * part;
    }
    const pause = retry;
    retry = Math.min(retry * 2, LAST_RETRY);
    return pause;
  }

  /** A definite answer is believed for as long as nobody may ask again. */
  function isDecided(): boolean {
    return asking === null && isFinal(failure) && performance.now() - askedAt < MIN_PAUSE;
  }

  signal.addEventListener('abort', () => clearTimeout(timer));
  void askInTurn();

  return {
    async addresses(waiting, { fresh = false } = {}) {
      const mustAsk = answer === null ? !isDecided() : fresh && refresh;
      if (mustAsk) await abortable(askOnce(), waiting);
      if (answer === null) throw failure;
      return answer.records;
    },
    status: () => ({
      addresses: addressesOf(answer?.records),
      leftOut: answer?.leftOut ?? 0,
      ttl: answer?.ttl ?? null,
      age: answer === null ? null : Math.round((performance.now() - answer.at) / 1_000),
      problem: failure === null ? null : messageOf(failure),
    }),
  };
}

function addressesOf(records: readonly AddressRecord[] = []): readonly string[] {
  return records.map(({ address }) => address);
}
