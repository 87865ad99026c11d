import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { isAbsolute } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import envVar from 'env-var';

import { MAX_TIMEOUT } from '../lib/deadline.ts';
import { type Scope, SCOPES } from '../lib/target-scope.ts';
import { parseAddresses, parseAddressPair, parseNameNetworks, parseNetworks } from './addresses.ts';
import { ipVersion } from './host.ts';
import type { ListenerKind } from './listeners.ts';
import { maskCommand, maskUrls, splitUrls } from './mask.ts';
import { parseNameservers } from './nameservers.ts';
import { isOnOneOf, parsePort, parsePorts, type PortPair } from './ports.ts';
import { isWildcard, parseTargets, type TargetEntry } from './targets.ts';

/** What a variable's text may be: `accepted` says it in words, `parse` reads it or throws with a hint. */
interface Type<T> {
  readonly accepted: string;
  readonly parse: (text: string) => T;
  /** Hides what is secret in a text, for people to see; nothing is where this is not set. */
  readonly mask?: (text: string) => string;
}

/** What a variable needs to have an effect: in words, and as a test of others. */
interface Need {
  readonly words: string;
  readonly isMet: (others: Others) => boolean;
  /** Whether the default needs it, too, where somebody has written it down: most defaults ask for nothing. */
  readonly isForDefault: boolean;
}

/** What decides whether a variable has an effect: others, and what listens for them. */
interface Others {
  readonly kinds: ReadonlySet<ListenerKind>;
  readonly TARGET: readonly TargetEntry[];
  readonly DNS: boolean;
  readonly PRE_RESOLVE: boolean;
  readonly TARGET_SCOPE: Scope;
  readonly MAX_CONNECTIONS: number;
  readonly UDP_ANSWERS: boolean;
  readonly LOG_LEVEL: (typeof LOG_LEVELS)[number];
  readonly ADMIN_PORT: number | null;
  readonly HTTP_HEALTHCHECK: boolean;
  readonly SMTP_HEALTHCHECK: boolean;
}

interface Variable<T> extends Type<T> {
  /** The text that stands in for an unset variable; null where there is none. */
  readonly fallback: string | null;
  /** null: it always has an effect. */
  readonly needs: Need | null;
}

const MAX_WORKERS = 64;
/** The protocol of what names none in TARGET and PORT, and whether there is a forward proxy: alone, it takes the place of relays of TCP. */
const MODES = ['tcp', 'udp', 'http-proxy', 'tcp http-proxy', 'udp http-proxy'] as const;
/** What MODE may be. */
export type Mode = (typeof MODES)[number];
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const { accessors } = envVar;

const flag: Type<boolean> = {
  accepted: '1, 0, true or false',
  parse: orSay('write 1 for yes and 0 for no', accessors.asBool),
};
const oneUrl = (accepted: string): Type<readonly string[]> => ({
  accepted,
  parse: (value) => [value],
  mask: maskUrls,
});
const httpUrls = (accepted: string): Type<readonly string[]> => ({
  ...oneUrl(accepted),
  parse: parseUrls,
});
const milliseconds = (min: 0 | 1): Type<number> => wholeNumber(min, MAX_TIMEOUT, 'ms');

const aName = need('a name in TARGET', hasName);
const tcp = need('MODE=tcp or http-proxy, or a port with /tcp', hasTcp);
const udp = need('MODE=udp, or a port with /udp', ({ kinds }) => kinds.has('udp'));
const preResolve = need('PRE_RESOLVE=1', ({ PRE_RESOLVE }) => PRE_RESOLVE);
const httpProbe = need('HTTP_HEALTHCHECK=1', ({ HTTP_HEALTHCHECK }) => HTTP_HEALTHCHECK);
const smtpProbe = need('SMTP_HEALTHCHECK=1', ({ SMTP_HEALTHCHECK }) => SMTP_HEALTHCHECK);

/** Every variable, in the order of docs/configuration.md. Those that docker-whitelist has keep its defaults and meanings. */
export const variables = {
  TARGET: optional(null, {
    accepted:
      'names, wildcards and addresses, with ports of their own or without, such as api.example.com, *.s3.amazonaws.com, db.example.com:5432, cache.example.com:6380:6379, logs.example.com:514/udp or [2001:db8::1]:53, separated by spaces or commas',
    parse: parseTargets,
  }),
  TARGET_FILE: optional(null, { accepted: 'an absolute path of a file', parse: parsePath }),
  PORT: optional(
    '80 443',
    {
      accepted:
        'up to 1000 ports from 1 to 65535, such as 443, 8443:443, 5000-5010 or 53/udp, separated by spaces or commas',
      parse: parsePorts,
    },
    {
      words: 'a name in TARGET without ports of its own',
      isMet: ({ TARGET }) => TARGET.some(({ ports }) => ports === null),
      isForDefault: true,
    },
  ),
  MODE: optional('tcp', {
    accepted: 'tcp, udp, http-proxy, tcp http-proxy or udp http-proxy',
    parse: (value) =>
      oneOf(MODES).parse(
        value
          .split(/[\s,]+/)
          .filter(Boolean)
          .toSorted(byProxy)
          .join(' '),
      ),
  }),
  LISTEN: optional(
    '3128',
    { accepted: 'a port from 1 to 65535', parse: parsePort },
    need('MODE=http-proxy', ({ kinds }) => kinds.has('http-proxy')),
  ),
  DNS: optional('0', flag),
  DNS_ANSWER: optional(
    null,
    {
      accepted: 'an IPv4 address, an IPv6 address or one of each, separated by spaces or commas',
      parse: parseAddressPair,
    },
    need('DNS=1', ({ DNS }) => DNS),
  ),
  NAME_ADDRESSES: optional(
    null,
    {
      accepted:
        'a network of IPv4, one of IPv6, or one of each, such as 192.0.2.128/25 or 2001:db8::1:0/112, separated by spaces or commas',
      parse: parseNameNetworks,
    },
    need('DNS=1', ({ DNS }) => DNS),
  ),
  FAST_LANE: optional(
    '0',
    flag,
    need('a name in TARGET that is no wildcard, or an address', ({ TARGET }) =>
      TARGET.some(({ name }) => !isWildcard(name)),
    ),
  ),
  NAME_CHECK: optional(null, oneOf(['off', 'report', 'enforce', 'learn'])),
  TLS_ECH: optional('allow', oneOf(['allow', 'refuse'])),
  BIND: optional('any', {
    accepted:
      'addresses of this host, such as 192.0.2.1 or 2001:db8::1, separated by spaces or commas, or any',
    parse: orAny(parseAddresses),
  }),
  ALLOW_FROM: optional('any', {
    accepted:
      'networks and addresses, such as 192.0.2.0/24, 2001:db8::/32 or 192.0.2.1, separated by spaces or commas, or any',
    parse: orAny(parseNetworks),
  }),
  PROXY_PROTOCOL: optional('off', oneOf(['off', 'v1', 'v2'])),
  PRE_RESOLVE: optional('0', flag, aName),
  NAMESERVERS: optional(
    '208.67.222.222 8.8.8.8 208.67.220.220 8.8.4.4',
    {
      accepted:
        'addresses, such as 9.9.9.9, [::1]:5353, tcp://9.9.9.9, tls://1.1.1.1#cloudflare-dns.com or https://8.8.8.8/dns-query#dns.google, and system, separated by spaces or commas',
      parse: parseNameservers,
    },
    preResolve,
  ),
  PRE_RESOLVE_REFRESH: optional('1', flag, preResolve),
  TARGET_SCOPE: optional(
    'private',
    oneOf(SCOPES),
    // An address is taken as it is, as with `any`.
    need('a name in TARGET', (others) => hasName(others) || others.TARGET_SCOPE === 'any'),
  ),
  MAX_CONNECTIONS: optional(
    '100',
    wholeNumber(0, Number.MAX_SAFE_INTEGER),
    need('UDP_ANSWERS=1', (others) => hasTcp(others) || others.UDP_ANSWERS),
  ),
  MAX_WAITING: optional(
    '1000',
    wholeNumber(0, Number.MAX_SAFE_INTEGER),
    need(
      'MODE=tcp or http-proxy, or a port with /tcp, and a limit of MAX_CONNECTIONS',
      (others) => hasTcp(others) && others.MAX_CONNECTIONS > 0,
    ),
  ),
  WORKERS: optional('1', {
    accepted: `a whole number from 1 to ${MAX_WORKERS}, or auto`,
    parse: parseWorkers,
  }),
  UDP_ANSWERS: optional('1', flag, udp),
  VERBOSE: optional(
    '0',
    flag,
    need('LOG_LEVEL=info, debug or trace', ({ LOG_LEVEL }) => ['info', 'debug', 'trace'].includes(LOG_LEVEL)),
  ),
  CONNECT_TIMEOUT_MS: optional('10000', milliseconds(1)),
  IDLE_TIMEOUT_MS: optional('0', milliseconds(0), tcp),
  UDP_TIMEOUT_MS: optional('60000', milliseconds(1), udp),
  DRAIN_TIMEOUT_MS: optional('8000', milliseconds(0)),
  BLACKOUT: optional('0', flag),
  BLACKOUT_HEALTH: optional('healthy', oneOf(['healthy', 'unhealthy'])),
  EXIT_ON_UNHEALTHY: optional('0', wholeNumber(0, 1_000_000)),
  LOG_LEVEL: optional('info', oneOf(LOG_LEVELS)),
  SALLYPORT_RUN_DIR: optional(null, { accepted: 'an absolute path of a directory', parse: parsePath }),
  ADMIN_PORT: optional(null, { accepted: 'a port from 1 to 65535', parse: parsePort }),
  ADMIN_HOST: optional(
    '127.0.0.1',
    { accepted: 'an address to listen on, such as 127.0.0.1 or ::', parse: parseAddress },
    need('ADMIN_PORT', ({ ADMIN_PORT }) => ADMIN_PORT !== null),
  ),
  HTTP_HEALTHCHECK: optional('0', flag),
  HTTP_HEALTHCHECK_URL: optional(
    null,
    httpUrls('http:// or https:// URLs, such as https://$TARGET/status, separated by spaces or commas'),
    httpProbe,
  ),
  HTTP_HEALTHCHECK_TIMEOUT_MS: optional('2000', milliseconds(1), httpProbe),
  SMTP_HEALTHCHECK: optional('0', flag),
  SMTP_HEALTHCHECK_URL: optional(
    null,
    oneUrl('an smtp:// or smtps:// URL, such as smtp://$TARGET:587/'),
    smtpProbe,
  ),
  SMTP_HEALTHCHECK_COMMAND: optional(
    'HELP',
    {
      accepted: 'one SMTP command on one line, such as HELP, NOOP or QUIT',
      parse: parseCommand,
      mask: maskCommand,
    },
    smtpProbe,
  ),
  SMTP_HEALTHCHECK_TIMEOUT_MS: optional('2000', milliseconds(1), smtpProbe),
} as const;

/** What makes a kind of probe. */
export interface ProbeRules {
  /** What a probe can go through. */
  readonly kinds: readonly ListenerKind[];
  /** The schemes of its URLs, and the ports that speak each: the scheme's own first, the likeliest next. */
  readonly schemes: Readonly<Record<string, readonly number[]>>;
  /** The scheme of the URL that stands in for an unset one. */
  readonly defaultScheme: (ports: readonly PortPair[]) => string;
  /** What its prober is given beside URL and timeout, and the variable that says it. */
  readonly options: Readonly<Record<string, Name>>;
}

/** The kinds of probes. Each has the variables `<kind>_HEALTHCHECK`, `…_URL` and `…_TIMEOUT_MS` above. */
export const probeKinds = {
  HTTP: {
    kinds: ['tcp', 'http-proxy'],
    schemes: { http: [80, 8080], https: [443, 8443] },
    // Plain HTTP to a TLS port gets a 400 at best.
    defaultScheme: (ports) => (ports.every((pair) => isOnOneOf(pair, [443, 8443])) ? 'https' : 'http'),
    options: {},
  },
  SMTP: {
    kinds: ['tcp'],
    schemes: { smtp: [25, 587, 465], smtps: [465, 587, 25] },
    // Plain SMTP to the port of TLS from the start waits for ever.
    defaultScheme: (ports) => {
      const isListed = (port: number) => ports.some((pair) => isOnOneOf(pair, [port]));
      return isListed(465) && !isListed(25) && !isListed(587) ? 'smtps' : 'smtp';
    },
    options: { command: 'SMTP_HEALTHCHECK_COMMAND' },
  },
} as const satisfies Readonly<Record<string, ProbeRules>>;

export type ProbeKind = keyof typeof probeKinds;

type Variables = typeof variables;
type Name = keyof Variables;

/** The parsed values; a variable without a default is null when unset. */
export type Values = {
  readonly [K in Name]: ReturnType<Variables[K]['parse']> | MissingFallback<Variables[K]>;
};
type MissingFallback<V> = V extends { fallback: null } ? null : never;

/** A variable's text, for people to see: secrets are hidden. */
export interface Setting {
  readonly name: Name;
  /** null where the variable is not set and has no default. */
  readonly text: string | null;
  /** Whether it is the default, as the variable is not set. */
  readonly isDefault: boolean;
}

/**
 * Reads all variables. What could be read is in `values`; each that could not is a line in `problems`. An empty variable counts as
 * unset, as Compose files pass `${X:-}`.
 */
export function readVariables(environment: NodeJS.ProcessEnv): {
  readonly values: Partial<Values>;
  readonly settings: readonly Setting[];
  readonly problems: readonly string[];
} {
  const names = Object.keys(variables) as Name[];
  const all = names.map((name) => ({ name, ...readVariable(environment, name) }));
  return {
    values: Object.fromEntries(all.map(({ name, value }) => [name, value])),
    settings: all.map(({ setting }) => setting),
    problems: all.flatMap(({ problem }) => problem ?? []),
  };
}

/** Reads one variable: its value is undefined where there is a problem. */
export function readVariable<N extends Name>(
  environment: NodeJS.ProcessEnv,
  name: N,
): { readonly value: Values[N] | undefined; readonly setting: Setting; readonly problem: string | null } {
  const { fallback, parse, mask = asItIs }: Variable<unknown> = variables[name];
  const given = environment[name]?.trim() || null;
  const text = given ?? fallback;
  const setting = { name, text: text === null ? null : mask(text), isDefault: given === null };
  if (text === null) return { value: null as Values[N], setting, problem: null };
  try {
    return { value: parse(text) as Values[N], setting, problem: null };
  } catch (cause) {
    return { value: undefined, setting, problem: describeProblem(name, text, cause) };
  }
}

/** The settings that have no effect, a sentence each. One that says what is so by default mostly asks for nothing. */
export function findIdle(settings: readonly Setting[], values: Values & Others): readonly string[] {
  return settings.flatMap(({ name, isDefault }) => {
    const { fallback, parse, needs }: Variable<unknown> = variables[name];
    if (isDefault || needs === null || needs.isMet(values)) return [];
    const isTheDefault = fallback !== null && isDeepStrictEqual(values[name], parse(fallback));
    if (isTheDefault && !needs.isForDefault) return [];
    return [`${name} is set, but has no effect without ${needs.words}`];
  });
}

/** One line: the variable, what it held, what is wrong with it and what is accepted. */
export function describeProblem(name: Name, value: string, cause: unknown): string {
  const { accepted, mask = asItIs }: Variable<unknown> = variables[name];
  const reason = cause instanceof Error ? cause.message : String(cause);
  return `${name}=${JSON.stringify(mask(value))}: ${mask(reason)}; it takes ${accepted}`;
}

function asItIs(text: string): string {
  return text;
}

function optional<T, F extends string | null>(fallback: F, type: Type<T>, needs: Need | null = null) {
  return { ...type, fallback, needs } as const;
}

function hasName({ TARGET }: Others): boolean {
  return TARGET.some(({ name }) => ipVersion(name) === 0);
}

function hasTcp({ kinds }: Others): boolean {
  return kinds.has('tcp') || kinds.has('http-proxy');
}

/** The forward proxy last. */
function byProxy(one: string, other: string): number {
  return Number(/^http-proxy$/i.test(one)) - Number(/^http-proxy$/i.test(other));
}

function need(words: string, isMet: Need['isMet']): Need {
  return { words, isMet, isForDefault: false };
}

function oneOf<const T extends string>(choices: readonly T[]): Type<T> {
  return {
    accepted: choices.join(', '),
    parse: orSay('that is none of the choices', (value) => accessors.asEnum(value.toLowerCase(), choices)),
  };
}

function wholeNumber(min: number, max: number, unit = ''): Type<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} up` : `${min} to ${max}`;
  return {
    accepted: `a whole number from ${range} ${unit}`.trimEnd(),
    parse: orSay('that is no such number', (value) => {
      const number = accessors.asIntPositive(value);
      if (number < min || number > max) throw new RangeError();
      return number;
    }),
  };
}

/** The library's messages repeat what is accepted: `hint` takes their place. */
function orSay<T>(hint: string, parse: (value: string) => T): (value: string) => T {
  return (value) => {
    try {
      return parse(value);
    } catch (cause) {
      throw new Error(hint, { cause });
    }
  };
}

/** `any` is null: there is nothing to choose from. */
function orAny<T>(parse: (value: string) => T): (value: string) => T | null {
  return (value) => (value.toLowerCase() === 'any' ? null : parse(value));
}

function parseWorkers(value: string): number {
  if (value.toLowerCase() === 'auto') return Math.min(MAX_WORKERS, availableParallelism());
  return wholeNumber(1, MAX_WORKERS).parse(value);
}

/** A space is told of here, with all of the text: half of a password would be shown where each part is judged by itself. */
function parseUrls(value: string): readonly string[] {
  const urls = splitUrls(value);
  if (urls.some((url) => /\s/.test(url)))
    throw new Error('a space stands within a URL, or before one that is none');
  return urls;
}

function parseCommand(value: string): string {
  if (/[\r\n]/.test(value)) throw new Error('that is more than one line');
  return value;
}

function parseAddress(value: string): string {
  if (isIP(value) === 0) throw new Error('that is no address');
  return value;
}

function parsePath(value: string): string {
  if (!isAbsolute(value)) throw new Error('that path is relative');
  return value;
}
