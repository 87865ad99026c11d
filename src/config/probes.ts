import type { NameCheck } from './name-check.ts';
import type { PortPair } from './ports.ts';
import { isWildcard, matchTarget } from './targets.ts';
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

const kinds = Object.keys(probeKinds) as ProbeKind[];

/** The probes that are switched on, and what in TARGET, PORT and MODE speaks against them. */
export function readProbes(
  values: Partial<Values>,
  nameCheck: NameCheck,
): {
  readonly probes: readonly Probe[];
  /** The URLs that stand in for unset ones, by variable. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
} {
  const found = kinds.map((kind) => ({ kind, ...readKind(kind, values, nameCheck) }));
  return {
    probes: found.flatMap(({ probes }) => probes),
    defaults: Object.fromEntries(
      found.map(({ kind, defaultUrl }) => [`${kind}_HEALTHCHECK_URL`, defaultUrl]),
    ),
    problems: found.flatMap(({ problems }) => problems),
  };
}

function readKind(kind: ProbeKind, values: Partial<Values>, nameCheck: NameCheck) {
  const { TARGET: targets, PORT: ports = [], MODE: mode } = values;
  const { modes, schemes, defaultScheme, options }: ProbeRules = probeKinds[kind];
  const isOn = values[`${kind}_HEALTHCHECK`] === true;
  const given = values[`${kind}_HEALTHCHECK_URL`] ?? null;
  const viaProxy = mode === 'http-proxy';
  // Apps name the target's ports to a proxy, and its own says nothing of what they speak.
  const dialled = viaProxy ? ports.map(({ target }) => ({ listen: target, target })) : ports;
  const defaultUrl = `${defaultScheme(dialled)}://$TARGET/`;
  const problems: string[] = [];

  const isMisplaced = isOn && mode !== undefined && !modes.includes(mode);
  if (isMisplaced) problems.push(`${kind}_HEALTHCHECK=1: goes with MODE=${modes.join(' and MODE=')} only`);
  const isSent = isOn && !isMisplaced && targets !== undefined;
  // What is set is read even where it is not sent.
  const templates = given ?? (isOn ? [defaultUrl] : []);
  const target = targets?.find((each) => !isWildcard(each)) ?? (isSent ? null : 'target.invalid');
  const probes = templates.flatMap((template) => {
    try {
      const url = parseProbeUrl(template, target, Object.keys(schemes));
      if (!isSent) return [];
      const isChecked = viaProxy || nameCheck !== 'off';
      if (isChecked && matchTarget(targets, hostOf(url)) === null)
        throw new Error(`${hostOf(url)} is not in TARGET`);
      if (ports.length === 0) return [];
      const port = (viaProxy ? chooseProxyPort : choosePort)(url, ports, schemes[schemeOf(url)] ?? []);
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
 * The listening port for a URL: the URL's own, else the first of its scheme's that is in PORT, else the first of PORT. A port names what the
 * app dials, so listening ports are looked at first and the target's ports second. Throws when the URL's own port is in neither.
 */
function choosePort(url: URL, ports: readonly PortPair[], schemePorts: readonly number[]): number {
  const wanted = url.port === '' ? schemePorts : [Number(url.port)];
  const [match = url.port === '' ? ports[0] : undefined] = wanted.flatMap(
    (port) =>
      ports.find(({ listen }) => listen === port) ?? ports.find(({ target }) => target === port) ?? [],
  );
  if (match === undefined) throw new Error(`port ${url.port} is not in PORT`);
  return match.listen;
}

/** The port of a forward proxy that leads to a URL. Throws when the URL's port, its own or its scheme's, is none of the targets'. */
function chooseProxyPort(url: URL, ports: readonly PortPair[], [own]: readonly number[]): number {
  const wanted = url.port === '' ? own : Number(url.port);
  const match = ports.find(({ target }) => target === wanted);
  if (match === undefined) throw new Error(`port ${wanted} is not in PORT`);
  return match.listen;
}

/** A URL's host as sockets and certificates want it: an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function schemeOf(url: URL): string {
  return url.protocol.slice(0, -1);
}
