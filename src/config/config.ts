import type { NameserverAddress } from '../lib/nameserver-address.ts';
import { findNearMisses } from '../lib/near-misses.ts';
import type { Network } from '../lib/networks.ts';
import type { Scope } from '../lib/target-scope.ts';
import { ConfigError } from './config-error.ts';
import { type NameCheck, readNameCheck, warnOfPlaintext } from './name-check.ts';
import { type PortPair, warnOfSexagesimal } from './ports.ts';
import { type Probe, readProbes } from './probes.ts';
import { findIdle, readVariable, readVariables, type Setting, type Values, variables } from './variables.ts';

/** All that the environment says, complete and checked. Times are in ms. */
export interface Config {
  /** Host names, addresses and wildcards such as `*.example.com`. */
  readonly targets: readonly string[];
  /** In MODE=http-proxy all listen on one port. */
  readonly ports: readonly PortPair[];
  readonly mode: Values['MODE'];
  readonly nameCheck: NameCheck;
  readonly tlsEch: Values['TLS_ECH'];
  /** The addresses to listen on; null: all, of IPv4 and IPv6. */
  readonly bind: readonly string[] | null;
  /** Where clients may come from; null: anywhere. */
  readonly allowFrom: readonly Network[] | null;
  /** The PROXY header that targets are sent. */
  readonly proxyProtocol: Values['PROXY_PROTOCOL'];
  readonly preResolve: boolean;
  readonly nameservers: readonly NameserverAddress[];
  /** Whether the answers of NAMESERVERS are kept fresh. */
  readonly refresh: boolean;
  readonly scope: Scope;
  /** Slots per port; Infinity for no limit. */
  readonly maxConnections: number;
  /** How many clients may wait for a slot, over all ports. */
  readonly maxWaiting: number;
  /** Threads that relay. */
  readonly workers: number;
  readonly udpAnswers: boolean;
  readonly verbose: boolean;
  readonly connectTimeout: number;
  /** 0: connections may idle for ever. */
  readonly idleTimeout: number;
  readonly udpTimeout: number;
  readonly drainTimeout: number;
  /** Whether the relay starts in a blackout. */
  readonly blackout: boolean;
  /** What the healthcheck makes of a blackout. */
  readonly blackoutHealth: Values['BLACKOUT_HEALTH'];
  /** Failed self-checks in a row that end the program; Infinity for never. */
  readonly exitOnUnhealthy: number;
  readonly logLevel: Values['LOG_LEVEL'];
  /** null: the first writable of the defaults. */
  readonly runDir: string | null;
  /** Where metrics and health are told over HTTP; null for nowhere. */
  readonly admin: { readonly host: string; readonly port: number } | null;
  /** What the healthcheck sends through the relay. */
  readonly probes: readonly Probe[];
  /** What is probably not meant so, though it can be used: a sentence each. */
  readonly warnings: readonly string[];
  /** Every variable's text, for people to see. */
  readonly settings: readonly Setting[];
}

const DEFAULT_LISTEN = Number(variables.LISTEN.fallback);

/** Reads the environment. Throws a ConfigError that names every problem at once. */
export function parseConfig(environment: NodeJS.ProcessEnv): Config {
  const { values, settings, problems } = readVariables(environment);
  const { ports, problems: portProblems } = readPorts(values);
  const { nameCheck, problems: nameProblems } = readNameCheck(values);
  const { probes, defaults, problems: probeProblems } = readProbes({ ...values, PORT: ports }, nameCheck);
  const allProblems = [
    ...problems,
    ...portProblems,
    ...findAdminClash({ ...values, PORT: ports }),
    ...nameProblems,
    ...checkProxyProtocol(values),
    ...probeProblems,
  ];
  const nearMisses = findNearMisses(Object.keys(environment), Object.keys(variables));
  if (allProblems.length > 0) throw new ConfigError(allProblems, nearMisses);

  const all = values as Values;
  /** The defaults that other variables decide on. */
  const derived: Readonly<Record<string, string>> = { NAME_CHECK: nameCheck, ...defaults };
  return {
    targets: all.TARGET,
    ports,
    mode: all.MODE,
    nameCheck,
    tlsEch: all.TLS_ECH,
    bind: all.BIND,
    allowFrom: all.ALLOW_FROM,
    proxyProtocol: all.PROXY_PROTOCOL,
    preResolve: all.PRE_RESOLVE,
    nameservers: all.NAMESERVERS,
    refresh: all.PRE_RESOLVE_REFRESH,
    scope: all.TARGET_SCOPE,
    maxConnections: isUnlimited(all) ? Infinity : all.MAX_CONNECTIONS,
    maxWaiting: all.MAX_WAITING,
    workers: all.WORKERS,
    udpAnswers: all.UDP_ANSWERS,
    verbose: all.VERBOSE,
    connectTimeout: all.CONNECT_TIMEOUT_MS,
    idleTimeout: all.IDLE_TIMEOUT_MS,
    udpTimeout: all.UDP_TIMEOUT_MS,
    drainTimeout: all.DRAIN_TIMEOUT_MS,
    blackout: all.BLACKOUT,
    blackoutHealth: all.BLACKOUT_HEALTH,
    exitOnUnhealthy: all.EXIT_ON_UNHEALTHY === 0 ? Infinity : all.EXIT_ON_UNHEALTHY,
    logLevel: all.LOG_LEVEL,
    runDir: all.SALLYPORT_RUN_DIR,
    admin: all.ADMIN_PORT === null ? null : { host: all.ADMIN_HOST, port: all.ADMIN_PORT },
    probes,
    warnings: [
      ...nearMisses,
      ...findIdle(settings, all),
      ...warnOfSexagesimal(ports),
      ...warnOfPlaintext(ports, nameCheck),
    ],
    settings: settings.map((setting) => ({
      ...setting,
      text: setting.text ?? derived[setting.name] ?? null,
    })),
  };
}

/** Where no answers are expected, all clients share one session. */
function isUnlimited({ MAX_CONNECTIONS: limit, MODE: mode, UDP_ANSWERS: answers }: Values): boolean {
  return limit === 0 || (mode === 'udp' && !answers);
}

/** Where the control socket lies: all that a command needs to know which asks the relay. Throws a ConfigError. */
export function parseRunDir(environment: NodeJS.ProcessEnv): string | null {
  const { value, problem } = readVariable(environment, 'SALLYPORT_RUN_DIR');
  if (problem !== null) throw new ConfigError([problem]);
  return value ?? null;
}

/** In MODE=http-proxy PORT lists ports to forward to alone, and one port listens for all of them. */
function readPorts({ PORT: ports = [], MODE: mode, LISTEN: listen = DEFAULT_LISTEN }: Partial<Values>): {
  readonly ports: readonly PortPair[];
  readonly problems: readonly string[];
} {
  if (mode !== 'http-proxy') return { ports, problems: [] };
  const pairs = ports.filter((pair) => pair.listen !== pair.target);
  return {
    ports: ports.map(({ target }) => ({ listen, target })),
    problems: pairs.map(
      (pair) => `PORT: ${pair.listen}:${pair.target} is a pair, and with MODE=http-proxy only LISTEN listens`,
    ),
  };
}

/** The header tells the one app behind the relay who its client is, at the start of a stream. */
function checkProxyProtocol({
  PROXY_PROTOCOL: version = 'off',
  MODE: mode = 'tcp',
}: Partial<Values>): string[] {
  if (version === 'off' || mode === 'tcp') return [];
  const reason =
    mode === 'udp'
      ? 'as datagrams have no beginning for the header to stand at'
      : 'as a forward proxy leads to servers of others, which do not expect the header';
  return [`PROXY_PROTOCOL=${version}: goes with MODE=tcp only, ${reason}`];
}

/** One TCP port cannot be listened on for two things. */
function findAdminClash({
  ADMIN_PORT: admin,
  MODE: mode,
  PORT: ports = [],
}: Partial<Values>): readonly string[] {
  if (typeof admin !== 'number' || mode === 'udp' || !ports.some(({ listen }) => listen === admin)) return [];
  return [`ADMIN_PORT=${admin}: clients are listened to on that port`];
}
