import type { Lookup } from '../door/listen.ts';
import { ResolveError } from '../lib/resolve-error.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import type { MainCalls } from './calls.ts';

/**
 * Looks names up by `ask`, each once at a time: who wants it meanwhile joins in. Rejects with a ResolveError that tells the problem, or with the signal's
 * reason; `ask` is told when nobody waits any more.
 */
export function shareLookups(ask: MainCalls['lookup']): Lookup {
  const known = new SingleFlight((host: string, wanted) => ask(host, false, wanted));
  const renewed = new SingleFlight((host: string, wanted) => ask(host, true, wanted));
  return async (host, signal, { fresh = false } = {}) => {
    const found = await (fresh ? renewed : known).join(host, signal);
    if ('addresses' in found) return found.addresses;
    throw new ResolveError(found.problem, found);
  };
}
