import type { NameNetworks } from '../lib/address-range.ts';
import { LEARNING } from '../lib/learning.ts';
import type { NameserverAddress } from '../lib/nameserver-address.ts';
import { findNearMisses } from '../lib/near-misses.ts';
import type { Network } from '../lib/networks.ts';
import type { Protocol } from '../lib/protocol.ts';
import type { Scope } from '../lib/target-scope.ts';
import { ConfigError } from './config-error.ts';
import { findForeign } from './foreign-variables.ts';
import type { CheckedListener, NameCheck } from './name-check.ts';
import { type PortItem, warnOfSexagesimal } from './ports.ts';
import { type Probe, readProbes } from './probes.ts';
import { defaultProtocolOf, readListeners } from './read-listeners.ts';
import type { Rule } from './rules.ts';
import { readTargetList } from './target-list.ts';
import {
  findIdle,
  type Mode,
  readVariable,
  readVariables,
  type Setting,
  type Values,
  variables,
} from './variables.ts';

/** A port that is listened on. */
export interface PortConfig extends CheckedListener {
  /** Slots; Infinity for no limit. */
  readonly maxConnections: number;
}

/** All that the environment says, complete and checked. Times are in ms. */
export interface Config {
  /** Host names, addresses and wildcards such as `*.example.com`. */
  readonly targets: readonly string[];
  /** The file that they are read from; null where TARGET lists them. */
  readonly targetFile: string | null;
  /** What the file says, as TARGET would; null without one. */
  readonly targetText: string | null;
  /** Which ports of them may be reached. */
  readonly rules: readonly Rule[];
  /** What PORT and MODE say for entries of TARGET that say nothing. */
  readonly defaultPorts: readonly PortItem[];
  readonly defaultProtocol: Protocol;
  readonly listeners: readonly PortConfig[];
  readonly mode: Mode;
  /** The strictest of all listeners, or `learn`: whoever names a name gets there. */
  readonly nameCheck: NameCheck | 'learn';
  readonly tlsEch: Values['TLS_ECH'];
  /** Whether the door answers DNS questions, and with which addresses; null for `answers`: with the one that was asked. */
  readonly dns: { readonly answers: Values['DNS_ANSWER'] } | null;
  /** Where names have addresses of their own, and whether clients who dial one have to ask for that name; null where they have none. */
  readonly nameAddresses: { readonly networks: NameNetworks; readonly nameCheck: NameCheck } | null;
  /** Whether the kernel takes new clients in front of the relay. */
  readonly fastLane: boolean;
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
  /** Slots of a port where there is a limit; Infinity for none. */
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

/** Reads the environment. Throws a ConfigError that names every problem at once. */
export function parseConfig(environment: NodeJS.ProcessEnv): Config {
  const { values, settings, problems } = readVariables(environment);
  const list = readTargetList(values);
  const { entries, targets, rules, listeners, ...found } = readListeners(list.entries, values);
  const nameAddresses = nameAddressesOf(values);
  const nameCheck = values.NAME_CHECK === 'learn' ? 'learn' : strictest(checksOf(listeners, nameAddresses));
  const {
    probes,
    defaults,
    problems: probeProblems,
  } = readProbes(values, { targets: list.entries ?? [], listeners });
  const allProblems = [...list.problems, ...problems, ...found.problems, ...probeProblems];
  const nearMisses = findNearMisses(Object.keys(environment), Object.keys(variables));
  const unknown = [...nearMisses, ...findForeign(environment)];
  if (allProblems.length > 0) throw new ConfigError(allProblems, unknown);

  const all = values as Values;
  /** The defaults that other variables decide on. */
  const scope = scopeOf(settings, all);
  const derived: Readonly<Record<string, string>> = {
    NAME_CHECK: nameCheck,
    TARGET_SCOPE: scope,
    ...defaults,
  };
  const kinds = new Set(listeners.map(({ kind }) => kind));
  return {
    targets,
    targetFile: all.TARGET_FILE,
    targetText: list.text,
    rules,
    defaultPorts: all.PORT,
    defaultProtocol: defaultProtocolOf(all.MODE),
    listeners: listeners.map((listener) => ({ ...listener, maxConnections: limitOf(listener, all) })),
    mode: all.MODE,
    nameCheck,
    tlsEch: all.TLS_ECH,
    dns: all.DNS ? { answers: all.DNS_ANSWER } : null,
    nameAddresses,
    fastLane: all.FAST_LANE,
    bind: all.BIND,
    allowFrom: all.ALLOW_FROM,
    proxyProtocol: all.PROXY_PROTOCOL,
    preResolve: all.PRE_RESOLVE,
    nameservers: all.NAMESERVERS,
    refresh: all.PRE_RESOLVE_REFRESH,
    scope,
    maxConnections: all.MAX_CONNECTIONS === 0 ? Infinity : all.MAX_CONNECTIONS,
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
      ...unknown,
      ...(nameCheck === 'learn' ? [LEARNING] : []),
      ...findIdle(settings, { ...all, TARGET: entries, kinds }),
      ...warnOfSexagesimal(all.PORT),
      ...found.warnings,
    ],
    settings: settings.map((setting) => ({
      ...setting,
      text: (setting.isDefault ? derived[setting.name] : null) ?? setting.text,
    })),
  };
}

/** Where the control socket lies: all that a command needs to know which asks the relay. Throws a ConfigError. */
export function parseRunDir(environment: NodeJS.ProcessEnv): string | null {
  const { value, problem } = readVariable(environment, 'SALLYPORT_RUN_DIR');
  if (problem !== null) throw new ConfigError([problem]);
  return value ?? null;
}

/** The address that was dialled has chosen: who learns names has nothing to check. */
function nameAddressesOf({
  DNS: isOn,
  NAME_ADDRESSES: networks,
  NAME_CHECK: check,
}: Partial<Values>): Config['nameAddresses'] {
  if (!networks || isOn !== true) return null;
  return { networks, nameCheck: !check || check === 'learn' ? 'off' : check };
}

/** What is done with the names that clients say, where they come to. */
function checksOf(
  listeners: readonly CheckedListener[],
  nameAddresses: Config['nameAddresses'],
): readonly NameCheck[] {
  if (nameAddresses === null) return listeners.map(({ nameCheck }) => nameCheck);
  const proxies = listeners.filter(({ kind }) => kind === 'http-proxy');
  return [nameAddresses.nameCheck, ...proxies.map(({ nameCheck }) => nameCheck)];
}

function strictest(all: readonly NameCheck[]): NameCheck {
  const checks = new Set(all);
  if (checks.has('enforce')) return 'enforce';
  return checks.has('report') ? 'report' : 'off';
}

/** Where no answers are expected, all clients share one session. */
function limitOf(
  { kind }: CheckedListener,
  { MAX_CONNECTIONS: limit, UDP_ANSWERS: answers }: Values,
): number {
  return limit === 0 || (kind === 'udp' && !answers) ? Infinity : limit;
}

/** Where names are learned, they are to lead out. */
function scopeOf(
  settings: readonly Setting[],
  { NAME_CHECK: nameCheck, TARGET_SCOPE: scope }: Values,
): Scope {
  const isDefault = settings.some((setting) => setting.name === 'TARGET_SCOPE' && setting.isDefault);
  return isDefault && nameCheck === 'learn' ? 'public' : scope;
}
