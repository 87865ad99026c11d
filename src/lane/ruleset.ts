import { isIPv4 } from 'node:net';

import type { Network } from '../lib/networks.ts';
import type { Protocol } from '../lib/protocol.ts';

/** Where new flows to one of our ports are led. */
export interface Lane {
  /** By which its flows are known for as long as they live: those of one name at one port, in both families. From 0 to MAX_ID. */
  readonly id: number;
  readonly protocol: Protocol;
  /** The port that clients dial. */
  readonly port: number;
  /** The address that they dial, of the targets' family; null: any of our own. */
  readonly own: string | null;
  /** Where they are led by turns: of one family, and never none. */
  readonly targets: readonly string[];
  readonly targetPort: number;
  /** So many flows of the port may live, the same number in each part, for it to take more: one of the limits that are counted; Infinity for no limit. */
  readonly limit: number;
}

/** What holds for all lanes. */
export interface Terms {
  /** Our addresses that clients may dial, each by its own interface; null: all. */
  readonly bind: readonly string[] | null;
  /** Where clients may come from; null: anywhere. */
  readonly allowFrom: readonly Network[] | null;
  /** Of the live flows of a port, multiples of its parts; Infinity for none. Flows are counted for each of them, whichever a lane has now. */
  readonly limits: readonly number[];
  /** In how many parts the flows of a port are counted. From 1 to MAX_PARTS. */
  readonly parts: number;
  /** At most so many ports may have lanes. */
  readonly maxPorts: number;
  /** Without a packet for so long a UDP flow is over, in s. */
  readonly udpTimeout: number;
  /** The same of a TCP flow, in s; null: after days. */
  readonly idleTimeout: number | null;
  /** How long a target may take to answer a SYN, in s; the client's next one begins anew. */
  readonly connectTimeout: number;
}

/** The families of addresses, as nft(8) names them. */
type Family = 'ip' | 'ip6';

/** Lanes whose connections are to end; or those of all. */
export type Ending = ReadonlySet<number> | 'all';

/** Of a flow that a lane has taken (ct mark): `s`, in ASCII, above its part of the port's flows, and the lane's id. */
const MARK = 0x73_00_00_00;
const PART = { shift: 16, mask: 0xff_00_00 };
export const MAX_PARTS = 256;
export const MAX_ID = 0x7f_ff;
/** Beside the id: its client has been reset. */
const IS_RESET = 0x80_00;
const OF_ANY = 0xff_00_00_00;
const OF_ONE = OF_ANY + MAX_ID;
/** Any such mark, as nft(8) and conntrack(8) tell one. */
const MARKED = `ct mark & ${OF_ANY} == ${MARK}`;
export const MARK_AND_MASK = `${MARK}/${OF_ANY}`;
export const GUARD = 'inet sallyport_guard';
export const TABLE = 'inet sallyport_lanes';
/** What is counted of each lane: new flows, and bytes to and from targets, headers of IP included. */
export const COUNTED = ['opened', 'sent', 'received'] as const;
const FAMILIES: readonly Family[] = ['ip', 'ip6'];
/** Of IP. By name nft(8) would look them up in /etc/protocols. */
const NUMBERS = { tcp: 6, udp: 17 } as const;
/** As long as the kernel by itself remembers a connection that says nothing (nf_conntrack_tcp_timeout_established), in s. */
const DAYS = 432_000;
/**
 * So many new flows are of one part, and the next of the next, by turns: the kernel looks up all that are counted together for a new one, but not twice in a
 * jiffy (nf_conncount.c). A power of two.
 */
const ROW = 4;
/** What tells parts of ports apart, as nft(8) names it, and the types of that. */
const OF_PART = { key: 'meta l4proto . th dport . ct mark', type: 'inet_proto . inet_service . mark' };
/**
 * Whom a full part turns away is counted there as well, for as long as the relay has him (nft_connlimit.c adds before it compares): so beyond a few
 * (`burst`, and so many a second) it takes nobody, and counts nobody, for so long, in s. What it has turned away is forgotten after a while, in s.
 */
const FLOOD = { burst: 5, perSecond: 1, shutFor: 1, forgetAfter: 10 };
/** Room for what stands there for a while of ports that are gone: without it what is new would not be counted. */
const SPARE_ROOM = 65_535;
/** What stands for every address of a family. */
const ALL: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Has the kernel forward nothing but flows of lanes, whatever becomes of those. */
export function writeGuard(): string {
  return inPlaceOf(GUARD, [
    ...block('chain forward', [
      'type filter hook forward priority filter; policy drop',
      `${MARKED} ct status dnat accept`,
    ]),
  ]);
}

/** What lanes lean on, and none of them yet. */
export function writeTable(terms: Terms): string {
  const { limits, parts, maxPorts, udpTimeout, idleTimeout, connectTimeout } = terms;
  const set = (name: string, room: number, flags: string, ...rest: readonly string[]) =>
    block(`set ${name}`, [`type ${OF_PART.type}`, `flags ${flags}`, `size ${room}`, ...rest]);
  const most = maxPorts * parts;
  const timeout = (protocol: Protocol, family: Family, policy: string) =>
    block(`ct timeout ${timeoutOf(protocol, family)}`, [
      `protocol ${protocol}`,
      `l3proto ${family}`,
      `policy = { ${policy} }`,
    ]);
  const idle = idleTimeout ?? DAYS;
  // By itself the kernel forgets within minutes one whose one end has said all, and waits for the other's answer.
  const tcp = ['established', 'fin_wait', 'close_wait'].map((state) => `${state} : ${idle}`);
  return inPlaceOf(TABLE, [
    ...FAMILIES.flatMap((family) => [
      ...timeout('udp', family, `unreplied : ${udpTimeout}, replied : ${udpTimeout}`),
      ...timeout('tcp', family, [...tcp, `syn_sent : ${connectTimeout}`].join(', ')),
    ]),
    ...limits.filter(Number.isFinite).flatMap((limit) => set(setOf(limit), most + SPARE_ROOM, 'dynamic')),
    ...set('turned_away', most, 'dynamic, timeout', `timeout ${FLOOD.forgetAfter}s`),
    ...set('full', most, 'dynamic, timeout', `timeout ${FLOOD.shutFor}s`),
    ...block('chain turn_away', [
      `add @turned_away { ${OF_PART.key} limit rate over ${FLOOD.perSecond}/second burst ${FLOOD.burst} packets } add @full { ${OF_PART.key} }`,
    ]),
    ...block('chain new', ['type nat hook prerouting priority dstnat']),
    // Kept while lanes change, so that parts go on taking turns.
    ...block('chain part', [
      `ct mark set numgen inc mod ${parts * ROW} << ${PART.shift - Math.log2(ROW)} & ${PART.mask}`,
    ]),
    // Behind the guard.
    ...block('chain counted', ['type filter hook forward priority filter + 1']),
    // A reset takes the number that its receiver expects, which only that one's own packets tell: so what targets say goes on until the client has been reset.
    ...block('chain ending', [
      `ct direction original ct mark set ct mark | ${IS_RESET} reject with tcp reset`,
      `ct mark & ${IS_RESET} == ${IS_RESET} reject with tcp reset`,
    ]),
    ...block('chain taken', ['type nat hook postrouting priority srcnat', `${MARKED} masquerade`]),
  ]);
}

/**
 * Lanes in place of others; what those have taken goes on, and is counted, but for connections that are to end: each end of one is reset as it says something.
 * `ids`: how many have been used, from 0 on.
 */
export function writeLanes(
  lanes: readonly Lane[],
  terms: Terms,
  { former, ids, ending }: { readonly former: number; readonly ids: number; readonly ending: Ending },
): string {
  return [
    ...['new', 'counted', ...numbered('lane', former)].map((chain) => `flush chain ${TABLE} ${chain}`),
    ...numbered('lane', former).map((chain) => `delete chain ${TABLE} ${chain}`),
    ...block(`table ${TABLE}`, [
      ...COUNTED.flatMap((what) => numbered(what, ids).flatMap((counter) => block(`counter ${counter}`, []))),
      ...lanes.flatMap((lane, i) => block(`chain lane${i}`, writeLane(lane, terms))),
      ...block('chain counted', [
        ...writeEnding(ending),
        ...(ids === 0
          ? []
          : [
              `ct direction original counter name ct mark & ${OF_ONE} map ${countersOf('sent', ids)}`,
              `ct direction reply counter name ct mark & ${OF_ONE} map ${countersOf('received', ids)}`,
            ]),
      ]),
      ...block('chain new', [...writeTerms(terms), ...writeChoice(lanes)]),
    ]),
  ].join('\n');
}

function writeEnding(ending: Ending): readonly string[] {
  const tcp = `meta l4proto ${NUMBERS.tcp}`;
  if (ending === 'all') return [`${tcp} ${MARKED} goto ending`];
  const marks = [...ending].map((id) => MARK + id);
  return marks.length === 0 ? [] : [`${tcp} ct mark & ${OF_ONE} { ${marks.join(', ')} } goto ending`];
}

/** Whom no lane takes: the relay knows what to do. */
function writeTerms({ bind, allowFrom }: Terms): readonly string[] {
  const unless = (family: Family, what: 'saddr' | 'daddr', listed: readonly string[]) => {
    const nfproto = family === 'ip' ? 'ipv4' : 'ipv6';
    return listed.length === 0
      ? `meta nfproto ${nfproto} return`
      : `${family} ${what} != { ${listed.join(', ')} } return`;
  };
  const bound = (bind ?? []).map((address) => address.replace(/%.*/, ''));
  return [
    'iifname "lo" return',
    // By itself Linux takes packets for an address of its own by any interface.
    `fib daddr ${bind === null ? '' : '. iif '}type != local return`,
    ...(bind === null
      ? []
      : FAMILIES.map((family) => ({ family, listed: bound.filter(isOf(family)) }))
          .filter(({ listed }) => !listed.some((address) => ALL.has(address)))
          .map(({ family, listed }) => unless(family, 'daddr', listed))),
    ...(allowFrom === null
      ? []
      : FAMILIES.map((family) =>
          unless(
            family,
            'saddr',
            allowFrom.filter(([address]) => isOf(family)(address)).map((network) => network.join('/')),
          ),
        )),
    // Without this, a flow that is forgotten in its midst would be a new one, and go on.
    'tcp flags & (fin | syn | rst | ack) != syn return',
  ];
}

/** By the address that was dialled, where that has a lane; else by the port. */
function writeChoice(lanes: readonly Lane[]): readonly string[] {
  const all = lanes.map((lane, i) => ({ ...lane, i }));
  const entry = ({ protocol, port, i }: (typeof all)[number], ...keys: readonly string[]) =>
    `${[...keys, NUMBERS[protocol], port].join(' . ')} : goto lane${i}`;
  const byAddress = FAMILIES.flatMap((family) => {
    const own = all.flatMap((lane) =>
      lane.own !== null && isOf(family)(lane.own) ? entry(lane, lane.own) : [],
    );
    return own.length === 0 ? [] : [`${family} daddr . meta l4proto . th dport vmap { ${own.join(', ')} }`];
  });
  const others = all.flatMap((lane) =>
    lane.own === null ? entry(lane, isOf('ip')(lane.targets[0] ?? '') ? 'ipv4' : 'ipv6') : [],
  );
  return [
    ...byAddress,
    ...(others.length === 0 ? [] : [`meta nfproto . meta l4proto . th dport vmap { ${others.join(', ')} }`]),
  ];
}

function writeLane(
  { id, protocol, targets, targetPort, limit }: Lane,
  { limits, parts }: Pick<Terms, 'limits' | 'parts'>,
): readonly string[] {
  const family = isOf('ip')(targets[0] ?? '') ? 'ip' : 'ip6';
  const [only = '', ...others] = targets;
  const byTurn = targets.map((target, i) => `${i} : ${target} . ${targetPort}`).join(', ');
  const to =
    others.length === 0
      ? `${family === 'ip' ? only : `[${only}]`}:${targetPort}`
      : `numgen inc mod ${targets.length} map { ${byTurn} }`;
  return [
    // Of what the relay has instead as well, so that it is known for as long as its session lives.
    `ct timeout set "${timeoutOf(protocol, family)}"`,
    ...(limit === Infinity ? [] : writeCounts(limit, { limits, parts })),
    `counter name opened${id}`,
    `meta l4proto ${NUMBERS[protocol]} ct mark set ct mark | ${MARK + id} dnat ${family} to ${to}`,
  ];
}

/** Whom a limit turns away is not counted for others. */
function writeCounts(limit: number, { limits, parts }: Pick<Terms, 'limits' | 'parts'>): readonly string[] {
  const count = (each: number) => `add @${setOf(each)} { ${OF_PART.key} ct count over ${each / parts} }`;
  return [
    'jump part',
    `${OF_PART.key} @full return`,
    `${count(limit)} goto turn_away`,
    ...limits.filter((each) => each !== limit).map(count),
  ];
}

/** What lives of each part, for a limit: what is counted towards one has to be known when another is chosen. */
function setOf(limit: number): string {
  return `live${limit}`;
}

function timeoutOf(protocol: Protocol, family: Family): string {
  return `${protocol}_${family}`;
}

function isOf(family: Family): (address: string) => boolean {
  return (address) => isIPv4(address) === (family === 'ip');
}

/** The counters of one kind, by the marks of lanes. */
function countersOf(what: (typeof COUNTED)[number], ids: number): string {
  return `{ ${numbered(what, ids)
    .map((counter, id) => `${MARK + id} : "${counter}"`)
    .join(', ')} }`;
}

function numbered(what: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${what}${i}`);
}

/** A table in place of what another program may have left of one. */
function inPlaceOf(table: string, lines: readonly string[]): string {
  return [`table ${table}`, `delete table ${table}`, ...block(`table ${table}`, lines)].join('\n');
}

function block(head: string, lines: readonly string[]): readonly string[] {
  return [`${head} {`, ...lines.map((line) => `  ${line}`), '}'];
}

/** What marks the flows of a lane, and by which bits, as conntrack(8) is told. */
export function markAndMaskOf(id: number): string {
  return `${MARK + id}/${OF_ONE}`;
}

/** The lane's id. */
export function idOfMark(mark: number): number {
  return mark & MAX_ID;
}

/** The part of its port's flows that it is counted with; of those that are not counted 0. */
export function partOfMark(mark: number): number {
  return (mark & PART.mask) >> PART.shift;
}
