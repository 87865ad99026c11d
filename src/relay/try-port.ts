import { openKernel } from '../kernel/kernel.ts';
import { tryBind } from '../kernel/try-bind.ts';
import type { Protocol } from '../lib/protocol.ts';
import { ListenError } from './relay.ts';

interface Place {
  readonly protocol: Protocol;
  readonly port: number;
  /** null: all addresses of the host. */
  readonly addresses: readonly string[] | null;
}

/**
 * Throws a ListenError where another program listens on a port that is to be shared (SO_REUSEPORT, socket(7)): if it shares that port, too, and is of the same
 * user, the kernel would deal the clients out to both, and tell nobody. Where C cannot be called, nobody is found.
 */
export function tryPort({ protocol, port, addresses }: Place): void {
  const kernel = openKernel();
  if (kernel === null) return;
  for (const address of addresses ?? ['::', '0.0.0.0']) {
    try {
      tryBind(kernel, { protocol, address, port, ipv6Only: addresses !== null });
    } catch (cause) {
      // All else is told when it is listened on: a host may have no IPv6.
      if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') continue;
      throw new ListenError(`listen on ${protocol}`, { address: addresses && address, port }, cause);
    }
  }
}
