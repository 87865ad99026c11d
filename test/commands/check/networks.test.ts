import { expect, test } from 'vitest';

import { checkSources } from '../../../src/commands/check/networks.ts';
import type { Network } from '../../../src/lib/networks.ts';

const OWN: readonly Network[] = [
  ['10.70.0.53', 24],
  ['fd00:70::53', 64],
  ['fe80::1', 64],
];

test.each<[string, readonly Network[] | null, readonly Network[]]>([
  ['there is none', null, OWN],
  ['a network of ours is within one of it', [['10.0.0.0', 8]], OWN],
  ['one of it is within a network of ours', [['10.70.0.9', 32]], OWN],
  [
    'one of several is near',
    [
      ['192.0.2.0', 24],
      ['fd00:70::8', 128],
    ],
    OWN,
  ],
  ['there is loopback alone', [['10.1.2.0', 24]], []],
])('checkSources() has nothing against ALLOW_FROM where %s', (_why, allowFrom, networks) => {
  expect(checkSources({ allowFrom }, networks)).toEqual([]);
});

test('checkSources() tells of an ALLOW_FROM that lets no neighbour in', () => {
  const allowFrom: readonly Network[] = [
    ['10.1.2.0', 24],
    ['fd00:71::', 64],
  ];
  expect(checkSources({ allowFrom }, OWN)).toEqual([
    "ALLOW_FROM has no address of this container's networks (10.70.0.53/24, fd00:70::53/64): apps there are refused",
  ]);
});
