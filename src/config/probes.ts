import type { CheckedListener } from './name-check.ts';
import { indexNames } from './name-index.ts';
import type { PortPair } from './ports.ts';
import { isWildcard, type TargetEntry } from './targets.ts';
import { describeProblem, type ProbeRules, type ProbeKind, probeKinds, type Values } from './variables.ts';

interface Destination {
  readonly url: URL;
  /** The relay's listening port that leads to the URL. */
  readonly port: number;
  /** Whether a forward proxy listens there. */
  readonly viaProxy: boolean;
  /** Bound on the whole probe, in ms. */
  readonly timeout: number;
}

type OptionsOf<K extends ProbeKind> = (typeof probeKinds)[K]['options'];

/** A request that the healthcheck sends through the relay, with the options of its kind. */
export type Probe<K extends ProbeKind = ProbeKind> = {
  [Each in K]: Destination & { readonly kind: Each } & {
    readonly [Option in keyof OptionsOf<Each>]: Values[OptionsOf<Each>[Option] & keyof Values];
  };
}[K];

/** What probes may go to: the list of names, and what listens for them. */
interface Reached {
  readonly targets: readonly TargetEntry[];
  readonly listeners: readonly CheckedListener[];
}

/** How a probe may go: as an app, which dials `listen` to reach one of the names at `target`. */
interface Way extends PortPair {
  readonly names: readonly string[];
  /** Where the listener is. */
  readonly port: number;
  readonly viaProxy: boolean;
  /** Whether a name that is none of these is refused. */
  readonly isChecked: boolean;
}

const kinds = Object.keys(probeKinds) as ProbeKind[];

/** The probes that are switched on, and what in TARGET, PORT and MODE speaks against them. */
export function readProbes(
  values: Partial<Values>,
  reached: Reached,
): {
  readonly probes: readonly Probe[];
  /** The URLs that stand in for unset ones, by variable. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
} {
  const found = kinds.map((kind) => ({ kind, ...readKind(kind, values, reached) }));
  return {
    probes: found.flatMap(({ probes }) => probes),
    defaults: Object.fromEntries(
      found.map(({ kind, defaultUrl }) => [`${kind}_HEALTHCHECK_URL`, defaultUrl]),
    ),
    problems: found.flatMap(({ problems }) => problems),
  };
}

function readKind(kind: ProbeKind, values: Partial<Values>, { targets, listeners }: Reached) {
  const { kinds: usable, schemes, defaultScheme, options }: ProbeRules = probeKinds[kind];
  const isOn = values[`${kind}_HEALTHCHECK`] === true;
  const given = values[`${kind}_HEALTHCHECK_URL`] ?? null;
  const ways = listeners.filter((listener) => usable.includes(listener.kind)).flatMap(waysThrough);
  const target = firstTarget(targets, ways);
  const defaultUrl = `${defaultScheme(ways.filter(({ names }) => target === null || names.includes(target)))}://$TARGET/`;
  const problems: string[] = [];

  const isMisplaced = isOn && listeners.length > 0 && ways.length === 0;
  if (isMisplaced)
    problems.push(
      `${kind}_HEALTHCHECK=1: goes with ${usable.map((each) => `MODE=${each}`).join(' and ')} only, or with a port with /tcp`,
    );
  const isSent = isOn && ways.length > 0;
  // What is set is read even where it is not sent. Where names are learned there may be none to ask for.
  const hasDefault = isOn && (target !== null || values.NAME_CHECK !== 'learn');
  const templates = given ?? (hasDefault ? [defaultUrl] : []);
  const probes = templates.flatMap((template) => {
    try {
      const url = parseProbeUrl(template, isSent ? target : 'target.invalid', Object.keys(schemes));
      if (!isSent) return [];
      const { port, viaProxy } = chooseWay(url, ways, schemes[schemeOf(url)] ?? []);
      const own = Object.entries(options).map(([option, name]) => [option, values[name]]);
      // A value that could not be read is a problem of its own, with which no probe is sent.
      const timeout = values[`${kind}_HEALTHCHECK_TIMEOUT_MS`];
      return [{ kind, url, port, viaProxy, timeout, ...Object.fromEntries(own) } as Probe];
    } catch (cause) {
      problems.push(describeProblem(`${kind}_HEALTHCHECK_URL`, template, cause));
      return [];
    }
  });
  return { probes, defaultUrl, problems };
}

/** Where a listener leads, a port at a time. Apps name the target's ports to a proxy, and its own says nothing of what they speak. */
function waysThrough({ kind, port, allowed, nameCheck }: CheckedListener): readonly Way[] {
  const viaProxy = kind === 'http-proxy';
  return allowed.flatMap(({ names, ports }) =>
    ports.map((target) => ({
      names,
      listen: viaProxy ? target : port,
      target,
      port,
      viaProxy,
      isChecked: viaProxy || nameCheck !== 'off',
    })),
  );
}

/** The first name in TARGET that a probe can ask for; null where there are wildcards alone. */
function firstTarget(entries: readonly TargetEntry[], ways: readonly Way[]): string | null {
  const reached = new Set(ways.flatMap(({ names }) => names));
  return entries.find(({ name }) => reached.has(name) && !isWildcard(name))?.name ?? null;
}

/**
 * Reads a probe's URL, with `$TARGET` (or `$$TARGET`, as Compose files escape it) replaced by the target.
 * Throws when it does not parse or is of none of the schemes, or when there is no one target, as with wildcards alone.
 */
function parseProbeUrl(template: string, target: string | null, schemes: readonly string[]): URL {
  const text = template.replaceAll(/\$?\$(TARGET\b|\{TARGET\})/g, () => {
    if (target === null) throw new Error('TARGET holds wildcards alone, so name a host in place of $TARGET');
    return target.includes(':') ? `[${target}]` : target;
  });
  // A URL without a host is one to the URL standard: it takes the path's first part for the host.
  if (lacksHost(text))
    throw new Error(`'${text}' names no host; a Compose file makes nothing of $TARGET, and wants $$TARGET`);
  const url = URL.parse(text);
  if (url === null || !schemes.includes(schemeOf(url)) || url.hostname === '') {
    throw new Error(`'${text}' is no such URL`);
  }
  return url;
}

/** Whether the authority (RFC 3986 §3.2) has no host between user info and a port. */
function lacksHost(text: string): boolean {
  const [, authority] = /^[a-z]+:\/\/([^/?#\\]*)/i.exec(text) ?? [];
  return authority !== undefined && /^(:|$)/.test(authority.replace(/^.*@/, ''));
}

/**
 * The way that leads to a URL: through the URL's own port, else the first of its scheme's that there is, else the first of all. A port names what the app
 * dials, so listening ports are looked at first and the target's ports second. Where names are not checked, a port leads to its target whatever is
 * asked for. Throws when there is no way.
 */
function chooseWay(url: URL, ways: readonly Way[], schemePorts: readonly number[]): Way {
  const host = hostOf(url);
  const named = ways.filter((way) => indexNames([way]).find(host) !== null);
  const possible = named.length > 0 ? named : ways.filter(({ isChecked }) => !isChecked);
  const [first] = possible;
  if (first === undefined) throw new Error(`${host} is not in TARGET`);
  // Of a proxy's ports, what is spoken on one that has no name here is not known.
  const wanted =
    url.port !== '' ? [Number(url.port)] : first.viaProxy ? schemePorts.slice(0, 1) : schemePorts;
  const [match] = wanted.flatMap(
    (port) =>
      possible.find(({ listen }) => listen === port) ?? possible.find(({ target }) => target === port) ?? [],
  );
  if (match !== undefined) return match;
  if (url.port === '' && !first.viaProxy) return first;
  throw new Error(`port ${wanted.join()} is not in PORT`);
}

/** A URL's host as sockets and certificates want it: an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function schemeOf(url: URL): string {
  return url.protocol.slice(0, -1);
}
