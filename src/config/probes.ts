import type { PortPair } from './ports.ts';

/** A request that the healthcheck sends through the relay. */
export interface Probe {
  readonly url: URL;
  /** The relay's listening port that leads to the URL. */
  readonly port: number;
  /** Whether a forward proxy listens there. */
  readonly viaProxy: boolean;
  /** Bound on the whole probe, in ms. */
  readonly timeout: number;
}

/** The ports that speak a scheme, its own first and the likeliest next. */
const SCHEME_PORTS: Readonly<Record<string, readonly number[]>> = {
  http: [80, 8080],
  https: [443, 8443],
  smtp: [25, 587, 465],
  smtps: [465, 587, 25],
};

/**
 * `http://$TARGET/`, or `https://$TARGET/` where each pair listens on a TLS port or leads to one: plain HTTP there gets a 400 at best.
 */
export function defaultHttpUrl(ports: readonly PortPair[]): string {
  const isTls = ports.every((pair) => portsOf('https').some((port) => isOneOf(pair, port)));
  return `${isTls ? 'https' : 'http'}://$TARGET/`;
}

/** `smtp://$TARGET/`, or `smtps://$TARGET/` where the one mail port is that of TLS from the start: plain SMTP there waits for ever. */
export function defaultSmtpUrl(ports: readonly PortPair[]): string {
  const first = portsOf('smtp').find((port) => ports.some((pair) => isOneOf(pair, port)));
  return `${first === schemePort('smtps') ? 'smtps' : 'smtp'}://$TARGET/`;
}

/**
 * Reads a probe's URL, with `$TARGET` (or `$$TARGET`, as Compose files escape it) replaced by the target.
 * Throws when it does not parse or is of none of the schemes, or when there is no one target, as with wildcards alone.
 */
export function parseProbeUrl(template: string, target: string | null, schemes: readonly string[]): URL {
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
export function choosePort(url: URL, ports: readonly PortPair[]): number {
  const wanted = url.port === '' ? portsOf(schemeOf(url)) : [Number(url.port)];
  const [match = url.port === '' ? ports[0] : undefined] = wanted.flatMap(
    (port) =>
      ports.find(({ listen }) => listen === port) ?? ports.find(({ target }) => target === port) ?? [],
  );
  if (match === undefined) throw new Error(`port ${url.port} is not in PORT`);
  return match.listen;
}

/** The port of a forward proxy that leads to a URL. Throws when the URL's port, its own or its scheme's, is none of the targets'. */
export function chooseProxyPort(url: URL, ports: readonly PortPair[]): number {
  const wanted = url.port === '' ? schemePort(schemeOf(url)) : Number(url.port);
  const match = ports.find(({ target }) => target === wanted);
  if (match === undefined) throw new Error(`port ${wanted} is not in PORT`);
  return match.listen;
}

/** What an app says in Host when it dials a URL's host at a port: the port too, unless it is the scheme's (RFC 9110 §4.2.3, §7.2). */
export function hostField(url: URL, port: number): string {
  return port === schemePort(schemeOf(url)) ? url.hostname : `${url.hostname}:${port}`;
}

/** A URL's host as sockets and certificates want it: an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function schemeOf(url: URL): string {
  return url.protocol.slice(0, -1);
}

function portsOf(scheme: string): readonly number[] {
  return SCHEME_PORTS[scheme] ?? [];
}

function schemePort(scheme: string): number | undefined {
  return portsOf(scheme)[0];
}

function isOneOf({ listen, target }: PortPair, port: number): boolean {
  return listen === port || target === port;
}
