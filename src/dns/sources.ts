import { isDeadline } from '../lib/deadline.ts';
import { type Histogram, HISTOGRAM_CELLS, observe, readHistogram } from '../lib/histogram.ts';
import type { NameserverAddress } from '../lib/nameserver-address.ts';
import { ResolveError } from '../lib/resolve-error.ts';
import { takeTurns } from '../lib/take-turns.ts';
import type { Scope } from '../lib/target-scope.ts';
import type { Log } from '../log/log.ts';
import type { AddressSource, SourceStatus } from './address-book.ts';
import { resolveThrough } from './resolve-through.ts';
import { openSource } from './source.ts';

interface Options {
  /** Asked in order. */
  readonly nameservers: readonly NameserverAddress[];
  /** Whether answers are kept in address books; if not, each call asks, or joins one that does. */
  readonly keep: boolean;
  readonly refresh: boolean;
  readonly scope: Scope;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Ends the asking. */
  readonly signal: AbortSignal;
}

interface Listed {
  readonly source: AddressSource;
  readonly close: (reason: Error) => void;
}

interface Passing extends Listed {
  /** How many wait for its addresses. */
  waiting: number;
  readonly timer: NodeJS.Timeout;
}

/** Where the addresses of several names come from. */
export interface Sources {
  /** Lists these names, in place of others. */
  readonly follow: (listed: readonly string[]) => void;
  /** A name's source: of a listed one always the same, of another one until nobody has wanted it for a while. */
  readonly of: (name: string) => AddressSource;
  /** Listed names first. */
  readonly status: () => readonly NameStatus[];
  readonly counts: () => LookupCounts;
}

/** What came of all lookups: how long they took, and how many gave no answer. */
interface LookupCounts {
  readonly times: Histogram;
  readonly failures: number;
}

export type NameStatus = SourceStatus & { readonly name: string };

/** How long a name that is not listed is kept without being used, in ms, and how many are. */
const KEPT_FOR = 600_000;
const MAX_KEPT = 256;
/** How many names are asked for at a time that nobody waits for: a thousand would take 150 MB, and half a second from whoever is being served. */
const AT_ONCE = 32;

/** Opens the sources of listed names, as `follow` says them; those of others, which a wildcard stands for, when they are first wanted. */
export function openSources({ nameservers, signal, ...options }: Options): Sources {
  const resolve = resolveThrough(nameservers);
  const inTurn = takeTurns(AT_ONCE);
  const times = new Float64Array(HISTOGRAM_CELLS);
  let failures = 0;
  const fixed = new Map<string, Listed>();
  /** The least recently used first. */
  const passing = new Map<string, Passing>();
  // A signal of all for each of a thousand names (AbortSignal.any) would take as much memory as the names.
  signal.addEventListener('abort', () => {
    for (const { close } of [...fixed.values(), ...passing.values()]) close(signal.reason as Error);
  });

  function open(name: string): Listed {
    const closing = new AbortController();
    const source = openSource(name, { ...options, resolve, inTurn, timed, signal: closing.signal });
    return { source, close: (reason) => closing.abort(reason) };
  }

  async function timed<T>(lookup: Promise<T>, asking: AbortSignal): Promise<T> {
    const startedAt = performance.now();
    const end = () => observe(times, 0, (performance.now() - startedAt) / 1_000);
    try {
      const found = await lookup;
      end();
      return found;
    } catch (cause) {
      if (!asking.aborted || isDeadline(asking.reason)) {
        failures++;
        end();
      }
      throw cause;
    }
  }

  function follow(listed: readonly string[]): void {
    const wanted = new Set(listed);
    for (const [name, { close }] of fixed) {
      if (wanted.has(name)) continue;
      close(new Error(`${name} is listed no longer`));
      fixed.delete(name);
    }
    for (const name of wanted) {
      if (fixed.has(name)) continue;
      const kept = passing.get(name);
      clearTimeout(kept?.timer);
      passing.delete(name);
      fixed.set(name, kept ?? open(name));
    }
  }

  function openPassing(name: string): AddressSource {
    const opened = open(name);
    const source: AddressSource = {
      ...opened.source,
      async addresses(...how) {
        kept.waiting++;
        return opened.source.addresses(...how).finally(() => kept.waiting--);
      },
    };
    const close = (reason: Error) => {
      clearTimeout(timer);
      opened.close(reason);
      passing.delete(name);
    };
    const timer = setTimeout(() => close(new Error(`nobody wants ${name} any more`)), KEPT_FOR).unref();
    const kept: Passing = { source, timer, close, waiting: 0 };
    makeRoom();
    passing.set(name, kept);
    return source;
  }

  /**
   * Closes one when there are too many: the least recently used for which nobody waits. When all are waited for it is the oldest of all, which is the
   * likeliest never to be answered: names that hang, as clients may choose them, do not keep out one that is answered.
   */
  function makeRoom(): void {
    if (passing.size < MAX_KEPT) return;
    const all = [...passing.values()];
    const closed = all.find(({ waiting }) => waiting === 0) ?? all[0];
    const message = `more than ${MAX_KEPT} names below wildcards are wanted`;
    closed?.close(new ResolveError(message, { isFinal: true }));
  }

  /** Puts off the closing of a name that is used again. */
  function usePassing(name: string): AddressSource | null {
    const kept = passing.get(name);
    if (kept === undefined) return null;
    kept.timer.refresh();
    passing.delete(name);
    passing.set(name, kept);
    return kept.source;
  }

  return {
    follow,
    of: (name) => fixed.get(name)?.source ?? usePassing(name) ?? openPassing(name),
    status: () => [...fixed, ...passing].map(([name, { source }]) => ({ name, ...source.status() })),
    counts: () => ({ times: readHistogram(times), failures }),
  };
}
