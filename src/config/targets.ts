import type { Protocol } from '../lib/protocol.ts';
import { canonical, ipVersion, parseHost } from './host.ts';
import { describePair, parsePortItem, type PortPair, splitProtocol } from './ports.ts';

/** An entry of TARGET: a name that may be reached, and how, where it says so. */
export interface TargetEntry {
  /** A host name, an address or a wildcard such as `*.example.com`. */
  readonly name: string;
  /** null: those of PORT. */
  readonly ports: readonly PortPair[] | null;
  /** null: whatever PORT and MODE say. */
  readonly protocol: Protocol | null;
}

/** Stands for every name, where names are to be learned. */
export const EVERYBODY = '*';
const WILDCARD = '*.';
const WRONG_COLONS =
  "a name comes first, then ':' and a port or two; an IPv6 address with ports stands in brackets";
/** An address or a name, and ports behind a colon. Of what has several colons and no brackets, everything is an address. */
const ENTRY = /^(?<host>\[[^\]]*\]|[^:]*)(?::(?<ports>[^:]*(?::[^:]*)?))?$/;

/**
 * Reads entries such as `api.example.com`, `*.s3.amazonaws.com`, `db.example.com:5432`, `cache.example.com:6380:6379` and
 * `logs.example.com:514/udp`, separated by spaces or commas. Names come as IDNA A-labels in lower case. Throws at the first that is none of these.
 */
export function parseTargets(text: string): readonly TargetEntry[] {
  const items = text.split(/[\s,]+/).filter(Boolean);
  if (items.length === 0) throw new Error('no name is listed');
  return items.map((item) => {
    try {
      return parseEntry(item);
    } catch (cause) {
      throw items.length === 1 ? cause : new Error(`'${item}': ${(cause as Error).message}`, { cause });
    }
  });
}

/** Whether a target stands for all names below it. */
export function isWildcard(target: string): boolean {
  return target === EVERYBODY || target.startsWith(WILDCARD);
}

/** Whether a target is one name: no address, and no wildcard. */
export function isName(target: string): boolean {
  return ipVersion(target) === 0 && !isWildcard(target);
}

/** The name whose subdomains a wildcard stands for, to be compared; empty for the root. */
export function parentOf(wildcard: string): string {
  return canonical(wildcard.slice(WILDCARD.length));
}

/** All names above a name or a wildcard, the nearest first and the root, '', last. */
export function namesAbove(name: string): readonly string[] {
  const whole = canonical(name);
  const above: string[] = [];
  for (let dot = whole.indexOf('.'); dot !== -1; dot = whole.indexOf('.', dot + 1))
    above.push(whole.slice(dot + 1));
  return [...above, ''];
}

/** A name with a port of its own, as TARGET takes it. */
export function describeTarget(name: string, port: PortPair): string {
  return `${ipVersion(name) === 6 ? `[${name}]` : name}:${describePair(port)}`;
}

function parseEntry(item: string): TargetEntry {
  if (item.includes('://')) return { name: parseHost(item), ports: null, protocol: null };
  const { rest: text, protocol } = splitProtocol(item);
  if (ipVersion(text) !== 0) return { name: text, ports: null, protocol };
  const { host = '', ports } = ENTRY.exec(text)?.groups ?? {};
  if (host === '') throw new Error(WRONG_COLONS);
  return { name: parseName(host), ports: ports === undefined ? null : parsePortItem(ports), protocol };
}

function parseName(text: string): string {
  if (text === EVERYBODY) return text;
  if (!isWildcard(text)) return parseHost(text);
  const parent = parseHost(text.slice(WILDCARD.length));
  if (ipVersion(parent) !== 0) throw new Error('an address has no names below it');
  return `${WILDCARD}${parent}`;
}
