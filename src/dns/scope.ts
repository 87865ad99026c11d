import { isIPv6 } from 'node:net';

import { v6 as ipv6 } from '@leichtgewicht/ip-codec';

import { createNetworkTest, type Network } from '../networks.ts';

/** Which addresses may be dialled: `private` and public ones, only what is globally routable, or any. */
export type Scope = 'private' | 'public' | 'any';

/** Never a service elsewhere: this host, this link (where clouds keep their metadata), no host, many hosts. */
const DROPPED_BY_PRIVATE: Readonly<Record<string, readonly Network[]>> = {
  loopback: [
    ['127.0.0.0', 8],
    ['::1', 128],
  ],
  'link-local': [
    ['169.254.0.0', 16],
    ['fe80::', 10],
  ],
  unspecified: [
    ['0.0.0.0', 8],
    ['::', 128],
  ],
  multicast: [
    ['224.0.0.0', 4],
    ['ff00::', 8],
  ],
  reserved: [['240.0.0.0', 4]],
};

/** What the IANA special-purpose registries (RFC 6890) do not call globally reachable, beside the above. */
const DROPPED_BY_PUBLIC: Readonly<Record<string, readonly Network[]>> = {
  private: [
    ['10.0.0.0', 8],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
    ['fc00::', 7],
    ['fec0::', 10],
  ],
  'shared address space': [['100.64.0.0', 10]],
  documentation: [
    ['192.0.2.0', 24],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['2001:db8::', 32],
    ['3fff::', 20],
  ],
  benchmarking: [
    ['198.18.0.0', 15],
    ['2001:2::', 48],
  ],
  reserved: [
    ['192.0.0.0', 24],
    ['192.88.99.0', 24],
    ['64:ff9b:1::', 48],
    ['100::', 64],
    ['100:0:0:1::', 64],
    ['2001::', 23],
    ['5f00::', 16],
  ],
};

/** Exceptions that the registries make within 192.0.0.0/24 and 2001::/23. */
const GLOBAL_AFTER_ALL: readonly Network[] = [
  ['192.0.0.9', 32],
  ['192.0.0.10', 32],
  ['2001:1::1', 128],
  ['2001:1::2', 128],
  ['2001:1::3', 128],
  ['2001:3::', 32],
  ['2001:4:112::', 48],
  ['2001:20::', 28],
  ['2001:30::', 28],
];

/** IPv6 space outside of which nothing has been given out yet (RFC 4291 §2.4, IANA's registry of global unicast). */
const GLOBAL_UNICAST: readonly Network[] = [
  ['2000::', 3],
  ['64:ff9b::', 96],
];

/** IPv6 ranges that carry an IPv4 address, and the byte where it begins: v4-mapped, NAT64 (RFC 6052), 6to4 (RFC 3056). */
const EMBEDDING: readonly { readonly range: Network; readonly at: number }[] = [
  { range: ['::ffff:0:0', 96], at: 12 },
  { range: ['64:ff9b::', 96], at: 12 },
  { range: ['2002::', 16], at: 2 },
];

/** Tells why an address may not be dialled, or null if it may. */
export type Judge = (address: string) => string | null;

export function createJudge(scope: Scope): Judge {
  if (scope === 'any') return () => null;

  const kinds = [
    ...Object.entries(DROPPED_BY_PRIVATE),
    ...(scope === 'public' ? Object.entries(DROPPED_BY_PUBLIC) : []),
  ].map(([kind, ranges]) => ({ kind, holds: createNetworkTest(ranges) }));
  const isExempt = createNetworkTest(GLOBAL_AFTER_ALL);
  const isGlobalUnicast = createNetworkTest(GLOBAL_UNICAST);
  const embeddings = EMBEDDING.map(({ range, at }) => ({ holds: createNetworkTest([range]), at }));

  return function judge(address: string): string | null {
    const embedding = isIPv6(address) ? embeddings.find(({ holds }) => holds(address)) : undefined;
    if (embedding !== undefined) {
      const embedded = ipv6
        .encode(address)
        .subarray(embedding.at, embedding.at + 4)
        .join('.');
      const reason = judge(embedded);
      return reason === null ? null : `${reason} (it embeds ${embedded})`;
    }
    const kind = kinds.find(({ holds }) => holds(address))?.kind;
    if (kind !== undefined) return scope === 'public' && isExempt(address) ? null : kind;
    return scope === 'public' && isIPv6(address) && !isGlobalUnicast(address) ? 'reserved' : null;
  };
}
