import { isIPv6 } from 'node:net';

import { v6 as ipv6 } from '@leichtgewicht/ip-codec';

import { createNetworkTest, type Network } from '../lib/networks.ts';
import type { Scope } from '../lib/target-scope.ts';

/**
 * Never a service elsewhere: this host, this link (where most clouds keep their metadata), no host, many hosts (RFC 6890), and what clouds serve to a machine
 * about itself, credentials among it, at addresses that are not link-local.
 */
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
  'cloud metadata': [
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
    ['fd00:ec2::254', 128],
    // https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html
    ['fd00:ec2::23', 128],
    // https://cloud.google.com/compute/docs/metadata/querying-metadata
    ['fd20:ce::254', 128],
    // https://docs.oracle.com/en/cloud/cloud-at-customer/occ-get-started/retrieve-predefined-instance-metadata.html
    ['192.0.0.192', 32],
    // https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/gettingmetadata.htm
    ['fd00:c1::a9fe:a9fe', 128],
    // https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
    ['100.100.100.200', 32],
    ['fd00:100::100:200', 128],
    // https://techdocs.akamai.com/cloud-computing/docs/metadata-service-api
    ['fd00:a9fe:a9fe::1', 128],
    // https://docs.cloud-init.io/en/latest/reference/datasources/scaleway.html
    ['fd00:42::42', 128],
  ],
};

/**
 * What the IANA special-purpose registries do not call globally reachable, beside the above:
 * https://www.iana.org/assignments/iana-ipv4-special-registry and https://www.iana.org/assignments/iana-ipv6-special-registry;
 * fec0::/10 by RFC 3879. And an address that is public by its number alone.
 */
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
  // https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
  'cloud platform': [['168.63.129.16', 32]],
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

/**
 * IPv6 space outside of which nothing has been given out yet (RFC 4291 §2.4, https://www.iana.org/assignments/ipv6-unicast-address-assignments), and
 * IPv4 in IPv6, which is judged by what it embeds.
 */
const GLOBAL_UNICAST: readonly Network[] = [
  ['2000::', 3],
  ['64:ff9b::', 96],
  ['::ffff:0:0', 96],
];

/** IPv6 ranges that carry an IPv4 address, and its bytes; those of the local NAT64 prefix depend on its length, which only its network knows. */
const EMBEDDING: readonly { readonly range: Network; readonly layouts: readonly (readonly number[])[] }[] = [
  // v4-mapped, RFC 4291 §2.5.5.2
  { range: ['::ffff:0:0', 96], layouts: [[12, 13, 14, 15]] },
  // NAT64, RFC 6052 §2.1
  { range: ['64:ff9b::', 96], layouts: [[12, 13, 14, 15]] },
  // NAT64 by a prefix of 48, 56, 64 or 96 bits out of the local range, RFC 8215 and RFC 6052 §2.2
  {
    range: ['64:ff9b:1::', 48],
    layouts: [
      [6, 7, 9, 10],
      [7, 9, 10, 11],
      [9, 10, 11, 12],
      [12, 13, 14, 15],
    ],
  },
  // 6to4, RFC 3056 §2
  { range: ['2002::', 16], layouts: [[2, 3, 4, 5]] },
];

/** Tells why an address may not be dialled, or null if it may. */
export type Judge = (address: string) => string | null;

const judges = new Map<Scope, Judge>();

/** Judges addresses by a scope, those too that an IPv6 address embeds. It is made once, as its lists take 100 KB. */
export function judgeOf(scope: Scope): Judge {
  const judge = judges.get(scope) ?? createJudge(scope);
  judges.set(scope, judge);
  return judge;
}

function createJudge(scope: Scope): Judge {
  if (scope === 'any') return () => null;

  const kinds = [
    ...Object.entries(DROPPED_BY_PRIVATE),
    ...(scope === 'public' ? Object.entries(DROPPED_BY_PUBLIC) : []),
  ].map(([kind, ranges]) => ({ kind, holds: createNetworkTest(ranges) }));
  const isExempt = createNetworkTest(GLOBAL_AFTER_ALL);
  const isGlobalUnicast = createNetworkTest(GLOBAL_UNICAST);
  const embeddings = EMBEDDING.map(({ range, layouts }) => ({ holds: createNetworkTest([range]), layouts }));

  return function judge(address: string): string | null {
    for (const embedded of embeddedIn(address)) {
      const reason = judge(embedded);
      if (reason !== null) return `${reason} (it embeds ${embedded})`;
    }
    const kind = kinds.find(({ holds }) => holds(address))?.kind;
    if (kind !== undefined) return scope === 'public' && isExempt(address) ? null : kind;
    return scope === 'public' && isIPv6(address) && !isGlobalUnicast(address) ? 'reserved' : null;
  };

  /**
   * The IPv4 addresses that an IPv6 address may stand for. Of several layouts, those with a first byte of 0 are not what was meant: no translator sends to
   * 0.0.0.0/8.
   */
  function embeddedIn(address: string): readonly string[] {
    const layouts = isIPv6(address) ? embeddings.find(({ holds }) => holds(address))?.layouts : undefined;
    if (layouts === undefined) return [];
    const bytes = ipv6.encode(address);
    const readings = layouts.map((layout) => layout.map((at) => bytes[at]).join('.'));
    return readings.length === 1 ? readings : readings.filter((reading) => !reading.startsWith('0.'));
  }
}
