import { isIP } from 'node:net';

import { atMost } from '../lib/at-most.ts';
import { isDeadline } from '../lib/deadline.ts';
import { type Histogram, HISTOGRAM_CELLS, observe, readHistogram } from '../lib/histogram.ts';
import type { NameserverAddress } from '../lib/nameserver-address.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import type { Scope } from '../lib/target-scope.ts';
import type { Log } from '../log/log.ts';
import { AddressBook } from './address-book.ts';
import { NameLookup } from './name-lookup.ts';
import { PassingSources } from './passing-sources.ts';
import { resolveThrough } from './resolve-through.ts';
import { type AddressSource, KeptNowhere, LiteralAddress, type SourceStatus } from './source.ts';

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

/** What came of all lookups: how long they took, and how many gave no answer. */
interface LookupCounts {
  readonly times: Histogram;
  readonly failures: number;
}

export type NameStatus = SourceStatus & { readonly name: string };

/** How many names are asked for at a time that nobody waits for: a thousand would take 150 MB, and half a second from whoever is being served. */
const AT_ONCE = 32;

/** Where the addresses of several names come from. */
export class Sources {
  readonly #keep: boolean;
  readonly #books: ConstructorParameters<typeof AddressBook>[1];
  readonly #lookups: ConstructorParameters<typeof NameLookup>[1];
  readonly #flights = new SingleFlight((lookup: NameLookup, signal) => lookup.ask(signal));
  readonly #listed = new Map<string, AddressSource>();
  readonly #passing = new PassingSources((name) => this.#open(name));
  readonly #watchers: (() => void)[] = [];
  readonly #times = new Float64Array(HISTOGRAM_CELLS);
  #failures = 0;

  /** Lists none. */
  constructor({ nameservers, keep, refresh, scope, log, signal }: Options) {
    const timed = <T>(lookup: Promise<T>, asking: AbortSignal) => this.#time(lookup, asking);
    this.#keep = keep;
    const onChange = () => this.#watchers.forEach((tell) => tell());
    this.#books = { refresh, limited: atMost(AT_ONCE), onChange, log };
    this.#lookups = { resolve: resolveThrough(nameservers), scope, timed, log };
    signal.addEventListener('abort', () => {
      for (const source of [...this.#listed.values(), this.#passing]) source.close(signal.reason as Error);
    });
  }

  /** Lists these names, in place of others. */
  follow(listed: readonly string[]): void {
    const wanted = new Set(listed);
    for (const [name, source] of this.#listed) {
      if (wanted.has(name)) continue;
      source.close(new Error(`${name} is listed no longer`));
      this.#listed.delete(name);
    }
    for (const name of wanted) {
      if (!this.#listed.has(name)) this.#listed.set(name, this.#passing.take(name) ?? this.#open(name));
    }
  }

  /** A name's source: of a listed one always the same, of another one until nobody has wanted it for a while. */
  of(name: string): AddressSource {
    return this.#listed.get(name) ?? this.#passing.of(name);
  }

  /** The addresses that a listed name has now, as far as they are known. */
  known(name: string): readonly string[] {
    return this.#listed.get(name)?.status().addresses ?? [];
  }

  /** Tells from now on whenever a name whose answers are kept has other addresses than before. */
  watch(onChange: () => void): void {
    this.#watchers.push(onChange);
  }

  /** Listed names first. */
  status(): readonly NameStatus[] {
    return [...this.#listed, ...this.#passing].map(([name, source]) => ({ name, ...source.status() }));
  }

  counts(): LookupCounts {
    return { times: readHistogram(this.#times), failures: this.#failures };
  }

  #open(name: string): AddressSource {
    if (isIP(name) !== 0) return new LiteralAddress(name);
    const lookup = new NameLookup(name, this.#lookups);
    return this.#keep ? new AddressBook(lookup, this.#books) : new KeptNowhere(lookup, this.#flights);
  }

  async #time<T>(lookup: Promise<T>, asking: AbortSignal): Promise<T> {
    const startedAt = performance.now();
    const end = () => observe(this.#times, 0, (performance.now() - startedAt) / 1_000);
    try {
      const found = await lookup;
      end();
      return found;
    } catch (cause) {
      if (!asking.aborted || isDeadline(asking.reason)) {
        this.#failures++;
        end();
      }
      throw cause;
    }
  }
}
