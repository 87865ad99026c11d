import type { Nameserver, openNameserver } from './nameserver.ts';
import type { createResolver, Resolve } from './resolver.ts';

/**
 * createResolver of the nameservers that are opened. The code is loaded now, as its cryptography and codecs would be a good part of what a relay takes at rest
 * that asks none.
 */
export async function loadResolver(
  openAll: (open: typeof openNameserver) => readonly Nameserver[],
  patience?: Parameters<typeof createResolver>[1],
): Promise<Resolve> {
  const [{ createResolver }, { openNameserver: open }] = await Promise.all([
    import('./resolver.ts'),
    import('./nameserver.ts'),
  ]);
  return createResolver(openAll(open), patience);
}
