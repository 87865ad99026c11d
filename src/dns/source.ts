import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';

import type { Log } from '../log.ts';
import { type AddressBook, openAddressBook } from './address-book.ts';
import { recordTypes } from './ipv6.ts';
import type { Limited } from './limit-addresses.ts';
import type { Resolve } from './resolver.ts';
import { createScopeFilter } from './scope-filter.ts';
import type { Scope } from './scope.ts';
import { resolveBySystem } from './system.ts';

interface Options {
  /** null for the container's own resolver, which is asked at each call. */
  readonly resolve: Resolve | null;
  readonly refresh: boolean;
  readonly scope: Scope;
  /** Takes the time of a lookup that ends with this signal; resolves as it does. */
  readonly timed: <T>(lookup: Promise<T>, signal: AbortSignal) => Promise<T>;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Ends the asking. */
  readonly signal: AbortSignal;
}

/** Where a name's addresses come from: a literal address is its own, and not judged; a name has an address book, or is asked for each time. */
export function openSource(
  name: string,
  { resolve, refresh, scope, timed, log, signal }: Options,
): AddressBook {
  const family = isIP(name);
  if (family !== 0) return fixed([{ address: name, family }]);

  const withinScope = createScopeFilter({ scope, log });
  let lastLeftOut = 0;

  /** What may be dialled of an answer. That addresses are left out is not logged again while they are as many. */
  function usable<T extends LookupAddress>({ records, leftOut }: Limited<T>): readonly T[] {
    if (leftOut > 0 && leftOut !== lastLeftOut)
      log.warn({ name, used: records.length, leftOut }, 'more addresses than are used');
    lastLeftOut = leftOut;
    return withinScope(name, records);
  }

  if (resolve === null) {
    return {
      ...fixed([]),
      addresses: async (waiting) => usable(await timed(resolveBySystem(name, waiting), waiting)),
    };
  }
  return openAddressBook(name, {
    ask: async (asking) => {
      const types = recordTypes({ loopback: scope === 'any' });
      const answer = await timed(resolve(name, types, asking), asking);
      return { ...answer, records: usable(answer) };
    },
    refresh,
    log,
    signal,
  });
}

function fixed(addresses: readonly { readonly address: string; readonly family: number }[]): AddressBook {
  return {
    addresses: async () => addresses,
    status: () => ({
      addresses: addresses.map(({ address }) => address),
      leftOut: 0,
      ttl: null,
      age: null,
      problem: null,
    }),
  };
}
