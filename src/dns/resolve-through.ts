import type { NameserverAddress } from './nameserver.ts';
import type { Resolve } from './resolver.ts';

/**
 * Resolves through these nameservers; see createResolver. The code for it is loaded now, as its cryptography and codecs would be a good part of
 * what a relay takes at rest that asks none.
 */
export function resolveThrough(nameservers: readonly NameserverAddress[]): Resolve {
  const loaded = load(nameservers);
  return async (...question) => (await loaded)(...question);
}

async function load(nameservers: readonly NameserverAddress[]): Promise<Resolve> {
  const [{ createResolver }, { openNameserver }] = await Promise.all([
    import('./resolver.ts'),
    import('./nameserver.ts'),
  ]);
  return createResolver(nameservers.map(openNameserver));
}
