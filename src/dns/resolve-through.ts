import type { NameserverAddress } from '../lib/nameserver-address.ts';
import { isFinal } from '../lib/resolve-error.ts';
import { loadResolver } from './load-resolver.ts';
import type { Nameserver } from './nameserver.ts';
import type { Resolve } from './resolver.ts';
import { createSystemResolver } from './system.ts';

/** Resolves through these nameservers, in order, see createResolver; the container's own resolver alone has an order and a patience of its own. */
export function resolveThrough(nameservers: readonly NameserverAddress[]): Resolve {
  const system = createSystemResolver();
  if (nameservers.every(({ protocol }) => protocol === 'system')) return system;
  const loaded = loadResolver((open) =>
    nameservers.map((server) =>
      server.protocol === 'system' ? asNameserver(server.text, system) : open(server),
    ),
  );
  return async (...question) => (await loaded)(...question);
}

/** It does not tell a name that does not exist from one without such records. */
function asNameserver(text: string, resolve: Resolve): Nameserver {
  return {
    text,
    async ask({ name, type }, signal) {
      try {
        const { records } = await resolve(name, [type], signal);
        return {
          exists: true,
          answers: records.map(({ address, ttl }) => ({ type, name, ttl, data: address })),
        };
      } catch (cause) {
        if (isFinal(cause)) return { exists: true, answers: [] };
        throw cause;
      }
    },
  };
}
