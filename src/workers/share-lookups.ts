import { abortable } from '../abortable.ts';
import type { Lookup } from '../listen.ts';
import { ResolveError } from '../resolve-error.ts';
import type { MainCalls } from './calls.ts';

/** So many names may be asked for at a time. With a wildcard in TARGET they are the clients' to choose. */
const MAX_ASKED = 1_000;

/** Looks names up by `ask`, each once at a time: who wants it meanwhile joins in. Rejects with a ResolveError that tells the problem, or with the signal's reason. */
export function shareLookups(ask: MainCalls['lookup']): Lookup {
  const asked = new Map<string, ReturnType<typeof ask>>();

  function askFor(host: string, fresh: boolean): ReturnType<typeof ask> {
    const key = `${host} ${fresh}`;
    const known = asked.get(key);
    if (known !== undefined) return known;
    if (asked.size === MAX_ASKED)
      throw new Error(`failed to look up ${host}: ${MAX_ASKED} others are being looked up`);
    const answer = ask(host, fresh).finally(() => asked.delete(key));
    asked.set(key, answer);
    return answer;
  }

  return async (host, signal, { fresh = false } = {}) => {
    const found = await abortable(askFor(host, fresh), signal);
    if ('addresses' in found) return found.addresses;
    throw new ResolveError(found.problem, found);
  };
}
