import type { Config } from '../config/config.ts';
import { canonical, ipVersion } from '../config/host.ts';
import { namesOf, portsOf } from '../config/listeners.ts';
import { serverSpeaksFirst } from '../config/name-check.ts';
import { isName, isWildcard, type TargetEntry } from '../config/targets.ts';
import { probeKinds, variables } from '../config/variables.ts';
import { describeRange } from '../lib/runs.ts';

/** What a door is written from. */
interface Door {
  readonly config: Pick<
    Config,
    'targets' | 'mode' | 'dns' | 'nameAddresses' | 'fastLane' | 'preResolve' | 'listeners'
  >;
  /** Those of TARGET. */
  readonly entries: readonly TargetEntry[];
  readonly image: string;
}

type Lines = readonly string[];

const SERVICE = 'door';
/** Of the internal network, where the door needs an address that is known beforehand; Docker's own choices are elsewhere (172.16.0.0/12, 192.168.0.0/16). */
export const SUBNET = {
  all: '10.53.0.0/24',
  withNames: '10.53.0.0/23',
  others: '10.53.0.128/25',
  door: '10.53.0.53',
  names: '10.53.1.0/24',
};

/** Where TLS or HTTP is spoken. */
const WEB_PORTS: ReadonlySet<number> = new Set(Object.values(probeKinds.HTTP.schemes).flat());

/** As docs/dns.md has it. */
const WHO_DOES_NOT_ASK =
  '# Docker 23.0.11 and later of 23.0, 25.0.5 and later of 25.0, and 26.0.0 to 26.1.2 do not ask it: see docs/dns.md.';

const HEALTHCHECK: Lines = [
  'healthcheck: # as the image has it',
  '  test: [CMD, healthcheck]',
  '  interval: 30s',
  '  timeout: 30s',
  '  start_period: 10s',
];

/** A Compose file of one hardened door and its two networks. It stands by itself or is pasted into another; docker-compose 1.27 and newer take it. */
export function writeCompose(door: Door): Lines {
  return [
    ...writeHead(door),
    'services:',
    `  ${SERVICE}:`,
    ...indented(4, [
      `image: ${quoted(door.image)}`,
      'environment:',
      ...indented(2, writeEnvironment(door)),
      'networks:',
      ...indented(2, writePlaces(door)),
      ...HEALTHCHECK,
      ...writeHardening(door),
      ...writeRights(door),
    ]),
    '',
    ...writeNetworks(door),
  ];
}

/** What the app has to be given. */
function writeHead(door: Door): Lines {
  const url = `http://${SERVICE}:${variables.LISTEN.fallback}`;
  return [
    '# The app gets `networks: [inside]`, no other network, and `cap_drop: [NET_RAW]`.',
    ...(hasDns(door) ? [`# It finds the door with \`dns: ${SUBNET.door}\`.`, WHO_DOES_NOT_ASK] : []),
    ...(hasProxy(door) ? [`# It takes the proxy with HTTPS_PROXY and HTTP_PROXY set to ${url}.`] : []),
  ];
}

function writeEnvironment(door: Door): Lines {
  const { config, entries } = door;
  const leansOnPort = entries.some(({ ports }) => ports === null);
  const hasName = entries.some(({ name }) => ipVersion(name) === 0);
  return [
    'TARGET: >- # who may be reached',
    ...indented(2, entries.map(describeEntry)),
    ...(leansOnPort ? [`PORT: ${quoted(variables.PORT.fallback)} # where none is said above`] : []),
    ...writeNameCheck(config),
    ...(hasProxy(door) ? [`MODE: ${quoted(config.mode)} # a forward proxy to the same names, too`] : []),
    ...(hasDns(door) ? [`DNS: "1" # ${whyDns(config.targets)}`] : []),
    ...(hasAddresses(door)
      ? [`NAME_ADDRESSES: ${quoted(SUBNET.names)} # or rather with one for each name, which chooses it`]
      : []),
    ...(config.fastLane ? ['FAST_LANE: "1" # the kernel relays raw ports: see docs/fast-lane.md'] : []),
    ...(config.preResolve || (hasName && !hasDns(door))
      ? [`PRE_RESOLVE: "1" # asks NAMESERVERS, public by default: ${whyPreResolve(door)}`]
      : []),
  ];
}

function whyPreResolve(door: Door): string {
  return hasDns(door) ? 'the kernel is told addresses beforehand' : "Docker's DNS would name the door itself";
}

function whyDns(targets: Door['config']['targets']): string {
  const because = targets.some(isWildcard) ? ', as Docker knows no wildcard aliases' : '';
  return `answers for these names with its own address${because}`;
}

/** What is relayed unread without: to a port's only name, or a name's own address. Switched on where all of it can be read, as far as ports tell. */
function writeNameCheck({ listeners, nameAddresses, fastLane }: Door['config']): Lines {
  if (fastLane) return []; // its kernel reads nothing
  const unread = listeners.filter(
    ({ kind, nameCheck }) => kind === 'tcp' && (nameCheck === 'off' || nameAddresses !== null),
  );
  const readable = unread.filter(
    ({ allowed }) =>
      namesOf(allowed).every((name) => ipVersion(name) === 0) && !portsOf(allowed).some(serverSpeaksFirst),
  );
  if (readable.length === 0) return [];
  const line = 'NAME_CHECK: "enforce" # refuses who asks for another name at the same address';
  const isWeb = readable.every(({ allowed }) => portsOf(allowed).every((port) => WEB_PORTS.has(port)));
  return [
    isWeb && readable.length === unread.length ? line : `# ${line}: if clients of all ports use TLS or HTTP`,
  ];
}

function writeHardening({ config }: Door): Lines {
  const forwarding = config.fastLane
    ? [
        'net.ipv4.ip_forward: "1" # its kernel forwards what the door has it take, and nothing else',
        'net.netfilter.nf_conntrack_tcp_be_liberal: "1" # keeps connections whose packets come late',
      ]
    : ['net.ipv4.ip_forward: "0" # no router between its networks'];
  return [
    'read_only: true # it writes nothing',
    'cap_drop: [ALL]',
    'security_opt: ["no-new-privileges:true"]',
    'sysctls:',
    ...indented(2, forwarding),
    'mem_limit: 256m # some 16 MiB at rest; raise it with MAX_CONNECTIONS',
    'pids_limit: 128 # threads; raise it with WORKERS',
    'restart: unless-stopped',
  ];
}

function writeRights(door: Door): Lines {
  const what = [
    ...(hasAddresses(door) ? ['takes the addresses of names'] : []),
    ...(door.config.fastLane ? ['tells the kernel what to relay'] : []),
  ];
  if (what.length === 0) return [];
  return [`cap_add: [NET_ADMIN] # ${what.join(', ')}`, 'user: "0:0" # only root can use a capability'];
}

/** The door's networks, and where apps find it there. */
function writePlaces(door: Door): Lines {
  const addresses = door.config.targets.filter((target) => ipVersion(target) !== 0);
  return [
    'inside:',
    ...indented(2, [
      ...addresses.map((address) => `# the app reaches ${address} as ${SERVICE}`),
      ...(hasDns(door) ? [`ipv4_address: ${SUBNET.door}`] : writeAliases(door)),
    ]),
    'outside:',
  ];
}

function writeAliases(door: Door): Lines {
  const { targets } = door.config;
  const wildcards = targets.filter(isWildcard);
  const names = targets.filter(isName);
  const aliases = new Set(names.map(canonical));
  const who = hasProxy(door) ? 'the app uses without the proxy' : 'the app uses';
  return [
    ...(aliases.size > 0 ? ['aliases: # by these names the app finds the door'] : []),
    ...[...aliases].map((alias) => `  - ${quoted(alias)}`),
    ...wildcards.map(
      (wildcard) => `# add an alias for each name below ${wildcard} that ${who}: Docker knows no wildcards`,
    ),
  ];
}

function writeNetworks(door: Door): Lines {
  const [subnet, here] = hasAddresses(door)
    ? [SUBNET.withNames, 'NAME_ADDRESSES, ipv4_address']
    : [SUBNET.all, 'ipv4_address'];
  const ipam = [
    'ipam:',
    '  config:',
    `    - subnet: ${subnet} # where it is taken, change it here, in the next line, in ${here} and in the app's dns`,
    `      ip_range: ${SUBNET.others} # for all but the door`,
  ];
  return [
    'networks:',
    '  inside:',
    '    internal: true # no way out but the door',
    '    driver_opts:',
    '      com.docker.network.bridge.inhibit_ipv4: "true" # the host has no address here',
    ...(hasDns(door) ? indented(4, ipam) : []),
    '  outside:',
  ];
}

function hasDns({ config }: Door): boolean {
  return config.dns !== null;
}

function hasAddresses({ config }: Door): boolean {
  return config.nameAddresses !== null;
}

function hasProxy({ config }: Door): boolean {
  return config.mode.endsWith('http-proxy');
}

/** An entry as TARGET takes it. */
function describeEntry({ name, ports, protocol }: TargetEntry): string {
  const suffix = protocol === null ? '' : `/${protocol}`;
  const [first, ...others] = ports ?? [];
  if (first === undefined) return `${name}${suffix}`;
  const host = name.includes(':') ? `[${name}]` : name;
  const listen = describeRange(first.listen, others.at(-1)?.listen ?? first.listen);
  const target = first.target === first.listen ? '' : `:${first.target}`;
  return `${host}:${listen}${target}${suffix}`;
}

/** Double-quoted YAML is what JSON is (YAML 1.2.2 §1.2). Compose would replace a `$`, which none of this has. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function indented(spaces: number, lines: Lines): Lines {
  return lines.map((line) => `${' '.repeat(spaces)}${line}`);
}
