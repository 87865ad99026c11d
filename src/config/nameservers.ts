import type { NameserverAddress } from '../lib/nameserver-address.ts';
import { ipVersion, parseHost } from './host.ts';
import { parsePort } from './ports.ts';

/** Ports by scheme: RFC 1035, RFC 7858, RFC 8484. */
const DEFAULT_PORTS = { udp: 53, tcp: 53, tls: 853, https: 443 } as const;
type Scheme = keyof typeof DEFAULT_PORTS;

const SYNTAX =
  /^(?:(?<scheme>[a-z]+):\/\/)?(?:\[(?<v6>[^\]]+)\]|(?<v4>[^:/#]+))(?::(?<port>[^/#]*))?(?<path>\/[^#]*)?(?:#(?<name>.+))?$/;

/**
 * Reads `9.9.9.9`, `127.0.0.1:5353`, `2620:fe::fe`, `[::1]:5353`, `tcp://9.9.9.9`, `tls://1.1.1.1#cloudflare-dns.com`,
 * `https://8.8.8.8/dns-query#dns.google` and `system`, separated by spaces or commas. Throws at the first that is none of these.
 */
export function parseNameservers(text: string): readonly NameserverAddress[] {
  const servers = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(parseNameserver);
  if (servers.length === 0) throw new Error('no nameserver is listed');
  return servers;
}

function parseNameserver(text: string): NameserverAddress {
  if (text === 'system') return { text, protocol: 'system' };
  if (ipVersion(text) !== 0) return { text, protocol: 'udp', address: text, port: DEFAULT_PORTS.udp };

  const { scheme = 'udp', v6, v4, port, path, name } = SYNTAX.exec(text)?.groups ?? {};
  if (!isScheme(scheme)) throw new Error(`'${text}' has an unknown scheme`);
  const address = v6 ?? v4 ?? '';
  if (ipVersion(address) !== (v6 === undefined ? 4 : 6))
    throw new Error(`'${text}' holds no address to dial`);
  if (path !== undefined && scheme !== 'https')
    throw new Error(`'${text}' has a path, which only https:// takes`);
  if (name !== undefined && scheme !== 'https' && scheme !== 'tls') {
    throw new Error(`'${text}' has a name to verify, which only tls:// and https:// take`);
  }

  const where = { text, address, port: port === undefined ? DEFAULT_PORTS[scheme] : parsePort(port) };
  if (scheme === 'udp' || scheme === 'tcp') return { ...where, protocol: scheme };
  const verified = name === undefined ? null : parseHost(name);
  if (scheme === 'tls') return { ...where, protocol: scheme, name: verified };
  return { ...where, protocol: scheme, path: path ?? '/dns-query', name: verified };
}

function isScheme(text: string): text is Scheme {
  return Object.hasOwn(DEFAULT_PORTS, text);
}
