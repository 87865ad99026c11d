import { expect, test } from 'vitest';

import {
  idOfMark,
  type Lane,
  MARK_AND_MASK,
  markAndMaskOf,
  MAX_ID,
  MAX_PARTS,
  partOfMark,
  type Terms,
  writeGuard,
  writeLanes,
  writeTable,
} from '../../src/lane/ruleset.ts';

const TERMS: Terms = {
  bind: null,
  allowFrom: null,
  limits: [Infinity],
  parts: 1,
  maxPorts: 1_000,
  udpTimeout: 60,
  idleTimeout: null,
  connectTimeout: 10,
};
const LANE: Lane = {
  id: 0,
  protocol: 'tcp',
  port: 443,
  own: null,
  targets: ['192.0.2.1'],
  targetPort: 8443,
  limit: Infinity,
};
/** `s`, a part and an id, as a number, of the first ones; the masks of the `s`, and of all but the part and a bit beside the id. */
const MARK = 0x73_00_00_00;
const MASK = 0xff_00_00_00;
const OF_ONE = 0xff_00_7f_ff;

/** The lines between the braces of a block; there is one such. */
function linesOf(rules: string, head: string): readonly string[] {
  const lines = rules.split('\n').map((line) => line.trim());
  const starts = lines.flatMap((line, i) => (line === `${head} {` ? [i + 1] : []));
  expect(starts).toHaveLength(1);
  return lines.slice(starts[0], lines.indexOf('}', starts[0]));
}

/** Lanes that are written anew, with counters for their ids. */
function write(lanes: readonly Lane[], terms: Partial<Terms> = {}, former = 0): string {
  const ids = Math.max(0, ...lanes.map(({ id }) => id + 1));
  return writeLanes(lanes, { ...TERMS, ...terms }, { former, ids, ending: new Set() });
}

test('a mark holds the id of a lane and a part, beside what all marks have in common', () => {
  expect(MARK_AND_MASK).toBe(`${MARK}/${MASK}`);
  for (const id of [0, 1, MAX_ID]) {
    expect(markAndMaskOf(id)).toBe(`${MARK + id}/${OF_ONE}`);
    expect(idOfMark(MARK + id)).toBe(id);
    for (const part of [0, 1, MAX_PARTS - 1])
      // Beside it stands whether its client has been reset.
      for (const beside of [0, 0x80_00]) {
        const mark = MARK + part * 0x1_00_00 + id + beside;
        expect([idOfMark(mark), partOfMark(mark)]).toEqual([id, part]);
        expect((mark & MASK) >>> 0).toBe(MARK);
        expect((mark & OF_ONE) >>> 0).toBe(MARK + id);
      }
  }
});

test('the guard drops what is forwarded, but for flows of lanes, which lead elsewhere', () => {
  expect(linesOf(writeGuard(), 'chain forward')).toEqual([
    'type filter hook forward priority filter; policy drop',
    `ct mark & ${MASK} == ${MARK} ct status dnat accept`,
  ]);
});

test.each([
  ['inet sallyport_guard', writeGuard],
  ['inet sallyport_lanes', () => writeTable(TERMS)],
])('the table %s takes the place of one that has been left', (table, rules) => {
  expect(rules().split('\n').slice(0, 3)).toEqual([
    `table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
  ]);
});

test('the table leads flows elsewhere as they arrive, and counts them behind the guard', () => {
  const rules = writeTable(TERMS);
  const chains = ['new', 'counted', 'taken'].map((chain) => linesOf(rules, `chain ${chain}`));
  expect(chains).toEqual([
    ['type nat hook prerouting priority dstnat'],
    ['type filter hook forward priority filter + 1'],
    ['type nat hook postrouting priority srcnat', `ct mark & ${MASK} == ${MARK} masquerade`],
  ]);
});

test.each([
  ['UDP_TIMEOUT_MS', { udpTimeout: 7 }, 'udp', 'unreplied : 7, replied : 7'],
  [
    'IDLE_TIMEOUT_MS and CONNECT_TIMEOUT_MS',
    { idleTimeout: 900, connectTimeout: 3 },
    'tcp',
    'established : 900, fin_wait : 900, close_wait : 900, syn_sent : 3',
  ],
  [
    'five days',
    { idleTimeout: null },
    'tcp',
    'established : 432000, fin_wait : 432000, close_wait : 432000, syn_sent : 10',
  ],
] as const)('flows of both families end after %s', (_what, terms, protocol, policy) => {
  const rules = writeTable({ ...TERMS, ...terms });
  for (const family of ['ip', 'ip6'])
    expect(linesOf(rules, `ct timeout ${protocol}_${family}`)).toEqual([
      `protocol ${protocol}`,
      `l3proto ${family}`,
      `policy = { ${policy} }`,
    ]);
});

const SYN_ALONE = 'tcp flags & (fin | syn | rst | ack) != syn return';

test('without lanes nobody is taken; of loopback, for other hosts, and in the midst of a connection nobody ever is', () => {
  expect(linesOf(write([]), 'chain new')).toEqual([
    'iifname "lo" return',
    'fib daddr type != local return',
    SYN_ALONE,
  ]);
});

test('whom no lane may take is told apart before the lanes', () => {
  const terms = { bind: ['10.0.0.1'], allowFrom: [['10.0.0.0', 8]] } as const;
  const taken = linesOf(write([LANE], terms), 'chain new');
  const before = linesOf(write([], terms), 'chain new');
  expect(before.at(-1)).toBe(SYN_ALONE);
  expect(taken).toEqual([
    ...before,
    'meta nfproto . meta l4proto . th dport vmap { ipv4 . 6 . 443 : goto lane0 }',
  ]);
});

test.each<[readonly string[], readonly string[]]>([
  [
    ['10.0.0.1', 'fe80::1%eth0', '10.0.0.2'],
    ['ip daddr != { 10.0.0.1, 10.0.0.2 } return', 'ip6 daddr != { fe80::1 } return'],
  ],
  [['10.0.0.1'], ['ip daddr != { 10.0.0.1 } return', 'meta nfproto ipv6 return']],
  [['::1'], ['meta nfproto ipv4 return', 'ip6 daddr != { ::1 } return']],
  [['0.0.0.0', '10.0.0.1'], ['meta nfproto ipv6 return']],
  [['::', 'fd00::1'], ['meta nfproto ipv4 return']],
  [['0.0.0.0', '::'], []],
])('with BIND=%j those alone are taken who dial these addresses, by their interfaces', (bind, rules) => {
  expect(linesOf(write([], { bind }), 'chain new')).toEqual([
    'iifname "lo" return',
    'fib daddr . iif type != local return',
    ...rules,
    SYN_ALONE,
  ]);
});

test.each<[NonNullable<Terms['allowFrom']>, readonly string[]]>([
  [
    [
      ['10.0.0.0', 8],
      ['fd00::', 64],
      ['192.0.2.7', 32],
    ],
    ['ip saddr != { 10.0.0.0/8, 192.0.2.7/32 } return', 'ip6 saddr != { fd00::/64 } return'],
  ],
  [[['10.0.0.0', 8]], ['ip saddr != { 10.0.0.0/8 } return', 'meta nfproto ipv6 return']],
  [[['fd00::', 64]], ['meta nfproto ipv4 return', 'ip6 saddr != { fd00::/64 } return']],
])('with ALLOW_FROM=%j those alone are taken who come from there', (allowFrom, rules) => {
  expect(linesOf(write([], { allowFrom }), 'chain new')).toEqual([
    'iifname "lo" return',
    'fib daddr type != local return',
    ...rules,
    SYN_ALONE,
  ]);
});

test.each<[string, Partial<Lane>, string, string]>([
  ['one target', {}, 'tcp_ip', 'meta l4proto 6 ct mark set ct mark | 1929379847 dnat ip to 192.0.2.1:8443'],
  [
    'one of IPv6, over UDP',
    { protocol: 'udp', targets: ['2001:db8::1'] },
    'udp_ip6',
    'meta l4proto 17 ct mark set ct mark | 1929379847 dnat ip6 to [2001:db8::1]:8443',
  ],
  [
    'several, by turns',
    { targets: ['192.0.2.1', '192.0.2.2', '192.0.2.3'] },
    'tcp_ip',
    'meta l4proto 6 ct mark set ct mark | 1929379847 dnat ip to numgen inc mod 3 map { 0 : 192.0.2.1 . 8443, 1 : 192.0.2.2 . 8443, 2 : 192.0.2.3 . 8443 }',
  ],
  [
    'several of IPv6',
    { targets: ['2001:db8::1', '2001:db8::2'] },
    'tcp_ip6',
    'meta l4proto 6 ct mark set ct mark | 1929379847 dnat ip6 to numgen inc mod 2 map { 0 : 2001:db8::1 . 8443, 1 : 2001:db8::2 . 8443 }',
  ],
])('a lane times a flow, counts it, marks it and leads it to %s', (_which, lane, timeout, rule) => {
  expect(linesOf(write([{ ...LANE, id: 7, ...lane }]), 'chain lane0')).toEqual([
    `ct timeout set "${timeout}"`,
    'counter name opened7',
    rule,
  ]);
});

test('beyond its limit a lane takes nobody: what lives is counted by port, for each limit there may be', () => {
  const limits = [90, 50, 20];
  expect(linesOf(write([{ ...LANE, limit: 50 }], { limits }), 'chain lane0')).toEqual([
    'ct timeout set "tcp_ip"',
    'jump part',
    'meta l4proto . th dport . ct mark @full return',
    'add @live50 { meta l4proto . th dport . ct mark ct count over 50 } goto turn_away',
    'add @live90 { meta l4proto . th dport . ct mark ct count over 90 }',
    'add @live20 { meta l4proto . th dport . ct mark ct count over 20 }',
    'counter name opened0',
    expect.stringContaining('dnat ip to'),
  ]);
  const table = writeTable({ ...TERMS, limits });
  for (const limit of limits)
    expect(linesOf(table, `set live${limit}`)).toEqual([
      'type inet_proto . inet_service . mark',
      'flags dynamic',
      'size 66535',
    ]);
  for (const [set, timeout] of [
    ['turned_away', '10s'],
    ['full', '1s'],
  ] as const)
    expect(linesOf(table, `set ${set}`)).toEqual([
      'type inet_proto . inet_service . mark',
      'flags dynamic, timeout',
      'size 1000',
      `timeout ${timeout}`,
    ]);
  expect(linesOf(table, 'chain turn_away')).toEqual([
    'add @turned_away { meta l4proto . th dport . ct mark limit rate over 1/second burst 5 packets } add @full { meta l4proto . th dport . ct mark }',
  ]);
  expect(writeTable(TERMS)).not.toContain('set live');
  expect(write([LANE])).not.toMatch(/@(live|full)|jump part/);
});

test.each([
  [1, 90, 4, 66_535],
  [9, 900, 36, 74_535],
  [256, 25_600, 1_024, 321_535],
])(
  'flows are of %i parts by turns, each of which has its part of the limit %i',
  (parts, limit, turns, size) => {
    const terms = { limits: [limit], parts };
    const table = writeTable({ ...TERMS, ...terms });
    const [rule = '', ...others] = linesOf(table, 'chain part');
    expect(others).toEqual([]);
    const [, modulus, shift, mask] =
      /^ct mark set numgen inc mod (\d+) << (\d+) & (\d+)$/.exec(rule)?.map(Number) ?? [];
    expect(linesOf(table, `set live${limit}`)).toContain(`size ${size}`);
    expect(linesOf(write([{ ...LANE, limit }], terms), 'chain lane0')).toContainEqual(
      expect.stringContaining(`ct count over ${limit / parts} `),
    );
    // In the order of turns each part comes for four flows, and no part is a mark of a lane's flow.
    const inTurn = Array.from({ length: modulus ?? 0 }, (_, turn) => (turn << (shift ?? 0)) & (mask ?? 0));
    expect(inTurn.map(partOfMark)).toEqual(Array.from({ length: turns }, (_, turn) => Math.floor(turn / 4)));
    expect(inTurn.filter((mark) => (mark & MASK) !== 0)).toEqual([]);
  },
);

test('the address that was dialled chooses, where it has a lane; else the port does, by family', () => {
  const lanes: readonly Lane[] = [
    { ...LANE, id: 0, own: '10.0.0.8' },
    { ...LANE, id: 0, own: 'fd00::8', targets: ['2001:db8::1'] },
    { ...LANE, id: 1, own: '10.0.0.9', protocol: 'udp', port: 53 },
    { ...LANE, id: 2 },
    { ...LANE, id: 2, targets: ['2001:db8::2'] },
  ];
  const chosen = linesOf(write(lanes), 'chain new').filter((rule) => rule.includes('vmap'));
  expect(chosen).toEqual([
    'ip daddr . meta l4proto . th dport vmap { 10.0.0.8 . 6 . 443 : goto lane0, 10.0.0.9 . 17 . 53 : goto lane2 }',
    'ip6 daddr . meta l4proto . th dport vmap { fd00::8 . 6 . 443 : goto lane1 }',
    'meta nfproto . meta l4proto . th dport vmap { ipv4 . 6 . 443 : goto lane3, ipv6 . 6 . 443 : goto lane4 }',
  ]);
});

test('all ids that have been used are counted, whether or not they have a lane now', () => {
  const rules = writeLanes([{ ...LANE, id: 1 }], TERMS, { former: 0, ids: 3, ending: new Set() });
  for (const what of ['opened', 'sent', 'received'])
    for (const id of [0, 1, 2]) expect(linesOf(rules, `counter ${what}${id}`)).toEqual([]);
  expect(linesOf(rules, 'chain counted')).toEqual(
    [
      ['original', 'sent'],
      ['reply', 'received'],
    ].map(
      ([direction, what]) =>
        `ct direction ${direction} counter name ct mark & ${OF_ONE} map { ${MARK} : "${what}0", ${MARK + 1} : "${what}1", ${MARK + 2} : "${what}2" }`,
    ),
  );
  expect(linesOf(write([]), 'chain counted')).toEqual([]);
});

test('lanes take the place of former ones, whose chains nothing leads to any more as they go', () => {
  const lines = write([LANE], {}, 2).split('\n');
  expect(lines.slice(0, lines.indexOf('table inet sallyport_lanes {'))).toEqual([
    ...['new', 'counted', 'lane0', 'lane1'].map((chain) => `flush chain inet sallyport_lanes ${chain}`),
    ...['lane0', 'lane1'].map((chain) => `delete chain inet sallyport_lanes ${chain}`),
  ]);
});

test.each([
  [new Set<number>(), []],
  [new Set([0, 2]), [`meta l4proto 6 ct mark & ${OF_ONE} { ${MARK}, ${MARK + 2} } goto ending`]],
  ['all' as const, [`meta l4proto 6 ct mark & ${MASK} == ${MARK} goto ending`]],
])('connections that are to end are led aside before anything is counted: %j', (ending, rules) => {
  const chain = linesOf(writeLanes([], TERMS, { former: 0, ids: 1, ending }), 'chain counted');
  expect(chain.slice(0, -2)).toEqual(rules);
});

test('a client that is to end is reset at once, and its target behind it', () => {
  expect(linesOf(writeTable(TERMS), 'chain ending')).toEqual([
    'ct direction original ct mark set ct mark | 32768 reject with tcp reset',
    'ct mark & 32768 == 32768 reject with tcp reset',
  ]);
});
