import { describeNameNetworks, roomIn } from '../lib/address-range.ts';
import { listSome } from '../lib/list-some.ts';
import type { Protocol } from '../lib/protocol.ts';
import { canonical } from './host.ts';
import { type Listener, listenersOf, mustChoose, whyListening } from './listeners.ts';
import { type CheckedListener, checkNames } from './name-check.ts';
import { describePair } from './ports.ts';
import { makeRules, type Rule } from './rules.ts';
import { describeTarget, EVERYBODY, isName, type TargetEntry } from './targets.ts';
import { type Values, variables } from './variables.ts';

/** RFC 1035 §4.2. */
export const DNS_PORT = 53;
const DEFAULT_LISTEN = Number(variables.LISTEN.fallback);

interface Found {
  /** Those of TARGET, and what NAME_CHECK=learn adds. */
  readonly entries: readonly TargetEntry[];
  readonly targets: readonly string[];
  readonly rules: readonly Rule[];
  readonly listeners: readonly CheckedListener[];
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * The rules of TARGET and PORT, and what listens for them. Where they could not be read, or contradict themselves, that is all that is told: what would come
 * of them is not known.
 */
export function readListeners(entries: readonly TargetEntry[] | undefined, values: Partial<Values>): Found {
  const { PORT: ports, MODE: mode, LISTEN: listen = DEFAULT_LISTEN } = values;
  const none = { entries: [], targets: [], rules: [], listeners: [], problems: [], warnings: [] };
  if (entries === undefined || ports === undefined || mode === undefined) return none;

  const taught = teach(entries, values);
  const { rules, problems, idle } = makeRules(taught.entries, { ports, protocol: defaultProtocolOf(mode) });
  if (taught.problems.length + problems.length > 0)
    return { ...none, problems: [...taught.problems, ...problems] };
  const relaysTcp = mode !== 'http-proxy';
  const proxyPort = mode.endsWith('http-proxy') ? listen : null;
  // What could not be read is a problem of its own, and the only one that comes of it.
  const byAddress = values.NAME_ADDRESSES !== null && values.DNS !== false;
  const listening = listenersOf(rules, { relaysTcp, proxyPort, byAddress });
  const checked = checkNames(listening.listeners, values, byAddress);
  const targets = [...new Set(taught.entries.map(({ name }) => name))];
  return {
    entries: taught.entries,
    targets,
    rules,
    listeners: checked.listeners,
    problems: [
      ...(relaysTcp ? [] : findPairs(taught.entries, rules)),
      ...listening.problems,
      ...checked.problems,
      ...findAdminClash(values, listening.listeners),
      ...findDnsClash(values, listening.listeners),
      ...checkProxyProtocol(values, listening.listeners),
      ...checkNameAddresses(values, targets),
      ...checkFastLane(values, { targets, listeners: checked.listeners, byAddress }),
    ],
    warnings: [
      ...checked.warnings,
      ...(idle.length < ports.length ? idle : []).map(
        (item) => `PORT: no name in TARGET uses ${item.listen}/${item.protocol}`,
      ),
    ],
  };
}

/** Where names are learned, every name has the ports of PORT, beside the rules. */
function teach(entries: readonly TargetEntry[], { NAME_CHECK: nameCheck, MODE: mode }: Partial<Values>) {
  const isOpen = entries.some(({ name }) => name === EVERYBODY);
  if (nameCheck !== 'learn') {
    const problem = `TARGET: ${EVERYBODY} stands for every name, which goes with NAME_CHECK=learn only`;
    return { entries, problems: isOpen ? [problem] : [] };
  }
  const everybody: TargetEntry = { name: EVERYBODY, ports: null, protocol: 'tcp' };
  return {
    entries: isOpen ? entries : [...entries, everybody],
    problems:
      mode === 'udp'
        ? ['NAME_CHECK=learn: goes with MODE=tcp and MODE=http-proxy only, as datagrams carry no name']
        : [],
  };
}

/** The protocol of whatever names none. */
export function defaultProtocolOf(mode: Values['MODE']): Protocol {
  return mode.startsWith('udp') ? 'udp' : 'tcp';
}

/** Ports that lead to others, where a forward proxy alone listens. */
function findPairs(entries: readonly TargetEntry[], rules: readonly Rule[]): readonly string[] {
  const own = new Set(entries.flatMap(({ ports }) => ports ?? []));
  return rules
    .filter(({ protocol }) => protocol === 'tcp')
    .flatMap(({ names: [name = ''], ports }) =>
      ports
        .filter(({ listen, target }) => listen !== target)
        .map((pair) =>
          own.has(pair) ? `TARGET: ${describeTarget(name, pair)}` : `PORT: ${describePair(pair)}`,
        ),
    )
    .map((pair) => `${pair} is a pair, and with MODE=http-proxy only LISTEN listens`);
}

/** The header tells the one app behind the relay who its client is, at the start of a stream. */
function checkProxyProtocol(
  { PROXY_PROTOCOL: version = 'off' }: Partial<Values>,
  listeners: readonly Listener[],
): readonly string[] {
  const kinds = new Set(listeners.map(({ kind }) => kind));
  if (version === 'off' || kinds.size === 0) return [];
  const problem = `PROXY_PROTOCOL=${version}: goes with MODE=tcp only`;
  if (kinds.has('http-proxy'))
    return [`${problem}, as a forward proxy leads to servers of others, which do not expect the header`];
  return kinds.has('tcp') ? [] : [`${problem}, as datagrams have no beginning for the header to stand at`];
}

/** Names are found at their addresses by DNS, and so there is room for each, and the door listens there. */
function checkNameAddresses(
  { DNS: isOn, NAME_ADDRESSES: networks = null, DNS_ANSWER: answers, BIND: bind }: Partial<Values>,
  targets: readonly string[],
): readonly string[] {
  if (networks === null || isOn === false) return [];
  const names = new Set(targets.filter(isName).map(canonical));
  const room = roomIn(networks);
  const variable = `NAME_ADDRESSES=${describeNameNetworks(networks)}`;
  return [
    ...(names.size > room
      ? [`${variable}: TARGET has ${names.size} names, and there is room for ${room}`]
      : []),
    ...(answers ? [`${variable}: goes without DNS_ANSWER, which is one address for all names`] : []),
    ...(bind
      ? [
          `${variable}: goes without BIND, as the door listens at the addresses of names too; ALLOW_FROM says who may come`,
        ]
      : []),
  ];
}

/** The kernel leads by address and port alone, to addresses that are known beforehand. */
function checkFastLane(
  { FAST_LANE: isOn, PRE_RESOLVE: keeps, PROXY_PROTOCOL: header, NAME_CHECK: check }: Partial<Values>,
  { targets, listeners, byAddress }: Pick<Found, 'targets' | 'listeners'> & { readonly byAddress: boolean },
): readonly string[] {
  if (isOn !== true) return [];
  const relays = listeners.filter(({ kind }) => kind !== 'http-proxy');
  const shared = byAddress ? [] : relays.filter(mustChoose);
  const isChecked = check === 'report' || check === 'enforce' || check === 'learn';
  return [
    ...(relays.length === 0 && listeners.length > 0
      ? ['there is no port to relay raw, as a forward proxy alone listens']
      : []),
    ...(keeps === false && targets.some(isName)
      ? ['it takes PRE_RESOLVE=1, as the kernel has to be told the addresses of names beforehand']
      : []),
    ...(isChecked ? [`NAME_CHECK=${check} reads what clients say, and the kernel reads nothing`] : []),
    ...(header !== undefined && header !== 'off'
      ? [`PROXY_PROTOCOL=${header} is for the relay to write`]
      : []),
    ...(shared.length === 0
      ? []
      : [
          `several names share port ${listSome(
            shared.map(({ port }) => String(port)),
            ', ',
          )}: give each a port of its own, or an address (NAME_ADDRESSES)`,
        ]),
  ].map((reason) => `FAST_LANE=1: ${reason}`);
}

/** The door's own nameserver listens over both protocols. */
function findDnsClash(
  { DNS: isOn = false, ADMIN_PORT: admin }: Partial<Values>,
  listeners: readonly Listener[],
): readonly string[] {
  if (!isOn) return [];
  const reasons = listeners
    .filter(({ port }) => port === DNS_PORT)
    .map((listener) => whyListening(listener, `on port ${DNS_PORT} too`));
  return [
    ...[...new Set(reasons)].map((reason) => `DNS=1: ${reason}`),
    ...(admin === DNS_PORT ? [`DNS=1: ADMIN_PORT listens on port ${DNS_PORT} too`] : []),
  ];
}

/** One TCP port cannot be listened on for two things. */
function findAdminClash(
  { ADMIN_PORT: admin }: Partial<Values>,
  listeners: readonly Listener[],
): readonly string[] {
  return listeners
    .filter(({ kind, port }) => kind !== 'udp' && port === admin)
    .map((listener) => `ADMIN_PORT=${admin}: ${whyListening(listener, 'on that port')}: take another`);
}
