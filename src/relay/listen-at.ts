import type { AddressInfo } from 'node:net';

import type { Network } from '../lib/networks.ts';
import type { BlackoutFlag } from './blackout-flag.ts';
import { ListenError, type ListenAddress } from './relay.ts';

/** The part of a server or a datagram socket that is needed. */
export interface Listener {
  address: () => unknown;
  on: (event: 'error', onError: (cause: Error) => void) => unknown;
  close: () => unknown;
}

/** What a relay is told of the port that it listens on, whatever it relays. */
export interface PortOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Whether others may listen on it as well (SO_REUSEPORT, socket(7)); each UDP client is always the same one's. */
  readonly sharesPort: boolean;
  /** Where it listens; null: on IPv6 and IPv4 alike where the host has both. */
  readonly bind: readonly string[] | null;
  /** Where clients may come from, others are reset or their datagrams dropped; null: anywhere. */
  readonly allowFrom: readonly Network[] | null;
  /** While it is shut, nobody is let in. */
  readonly blackoutFlag: BlackoutFlag;
}

interface Options<T extends Listener> {
  readonly protocol: 'tcp' | 'admin tcp' | 'udp';
  /** 0: any free port. */
  readonly port: number;
  /** null: all addresses of the host. */
  readonly addresses: readonly string[] | null;
  /** Resolves when it listens. */
  readonly open: (at: ListenAddress) => Promise<T>;
}

/** Listeners at one port, and the end of the first that dies. */
export interface Listening<T> {
  readonly listeners: readonly T[];
  readonly port: number;
  /** Rejects with a ListenError; never resolves. */
  readonly failed: Promise<never>;
}

/** Listens on a port at each of the addresses. Rejects with a ListenError when it cannot at one of them, and then listens at none. */
export async function listenAt<T extends Listener>({
  protocol,
  addresses,
  open,
  ...options
}: Options<T>): Promise<Listening<T>> {
  const listeners: T[] = [];
  const { promise: failed, reject } = Promise.withResolvers<never>();
  let { port } = options;
  for (const address of addresses ?? [null]) {
    try {
      const listener = await open({ address, port });
      ({ port } = listener.address() as AddressInfo);
      const at = { address, port };
      listener.on('error', (cause) => reject(new ListenError(`go on listening on ${protocol}`, at, cause)));
      listeners.push(listener);
    } catch (cause) {
      for (const listener of listeners) listener.close();
      throw new ListenError(`listen on ${protocol}`, { address, port }, cause);
    }
  }
  return { listeners, port, failed };
}
