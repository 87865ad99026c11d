import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';

import { singleFlight } from '../lib/single-flight.ts';
import type { takeTurns } from '../lib/take-turns.ts';
import type { Scope } from '../lib/target-scope.ts';
import type { Log } from '../log/log.ts';
import { type AddressSource, openAddressBook } from './address-book.ts';
import { recordTypes } from './ipv6.ts';
import type { Limited } from './limit-addresses.ts';
import type { Answer, Resolve } from './resolver.ts';
import { createScopeFilter } from './scope-filter.ts';

interface Options {
  readonly resolve: Resolve;
  /** Whether answers are kept; if not, each call gets one that was under way or came after it. */
  readonly keep: boolean;
  readonly refresh: boolean;
  readonly inTurn: ReturnType<typeof takeTurns>;
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
  { resolve, keep, refresh, inTurn, scope, timed, log, signal }: Options,
): AddressSource {
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

  async function ask(asking: AbortSignal): Promise<Answer> {
    const types = recordTypes({ loopback: scope === 'any' });
    const answer = await timed(resolve(name, types, asking), asking);
    return { ...answer, records: usable(answer) };
  }

  if (keep) return openAddressBook(name, { ask, refresh, inTurn, log, signal });
  const join = singleFlight((_name: string, asking) => ask(asking), signal);
  return { ...fixed([]), addresses: async (waiting) => (await join(name, waiting)).records };
}

function fixed(addresses: readonly { readonly address: string; readonly family: number }[]): AddressSource {
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
