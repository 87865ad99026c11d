import type { Protocol } from '../lib/protocol.ts';

/** A listening port and the target's port it is relayed to. */
export interface PortPair {
  readonly listen: number;
  readonly target: number;
}

/** A port pair of PORT. */
export interface PortItem extends PortPair {
  /** null: whatever TARGET and MODE say. */
  readonly protocol: Protocol | null;
}

export const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp'];

const MAX_PORT = 65_535;
/** In all: each is a socket that listens. */
export const MAX_PORTS = 1_000;
/** YAML 1.1 reads `22:22` without quotes as a number of base 60, if the second part is less than that (yaml.org/type/int.html). */
const SEXAGESIMAL = 60;
/** Ports below that which are relayed as they are: FTP, SSH, Telnet, SMTP, WHOIS, DNS. */
const LIKELY_PORTS = [21, 22, 23, 25, 43, 53];

/**
 * Reads `80 443`, `8080:80`, `5000-5010` and `53/udp`, separated by spaces or commas. Throws at the first bad or repeated port, or when there are more than
 * 1,000.
 */
export function parsePorts(text: string): readonly PortItem[] {
  const items: PortItem[] = [];
  for (const item of text.split(/[\s,]+/).filter(Boolean)) {
    const { rest, protocol } = splitProtocol(item);
    items.push(...parsePortItem(rest).map((pair) => ({ ...pair, protocol })));
    if (items.length > MAX_PORTS) throw new Error(`more than ${MAX_PORTS} ports are listed`);
  }
  if (items.length === 0) throw new Error('no port is listed');

  const seen = new Set<string>();
  for (const { listen, protocol } of items) {
    const port = protocol === null ? `${listen}` : `${listen}/${protocol}`;
    if (seen.has(port)) throw new Error(`port ${port} is listed twice`);
    seen.add(port);
  }
  return items;
}

/** Splits the protocol off what ends in `/tcp` or `/udp`. Throws where it ends in another one. */
export function splitProtocol(text: string): { readonly rest: string; readonly protocol: Protocol | null } {
  const [, rest = text, said = null] = /^([^/]*)\/([^/]*)$/.exec(text) ?? [];
  if (said === null) return { rest, protocol: null };
  const protocol = PROTOCOLS.find((each) => each === said.toLowerCase());
  if (protocol === undefined) throw new Error(`'/${said}' is no protocol: it is /tcp or /udp`);
  return { rest, protocol };
}

/** A warning where YAML has probably made one number of a port pair; what it makes of others is no port at all, or cannot be told from one. */
export function warnOfSexagesimal(ports: readonly PortPair[]): readonly string[] {
  const [first] = ports;
  if (first === undefined || ports.length > 1 || first.listen !== first.target) return [];
  const likely = LIKELY_PORTS.find((port) => port * (SEXAGESIMAL + 1) === first.listen);
  return likely === undefined
    ? []
    : [
        `PORT=${first.listen} is what YAML reads ${likely}:${likely} without quotes as: if that was meant, put it in quotes`,
      ];
}

/** Whether a pair listens on one of these ports or leads to one. */
export function isOnOneOf({ listen, target }: PortPair, ports: readonly number[]): boolean {
  return ports.includes(listen) || ports.includes(target);
}

/** Reads `443`, `8443:443` or `5000-5010`. Throws with a hint at what is wrong. */
export function parsePortItem(item: string): readonly PortPair[] {
  const [, first = '', separator, second = ''] = /^(\d+)(?:([:-])(\d+))?$/.exec(item) ?? [];
  if (separator === ':') return [{ listen: parsePort(first), target: parsePort(second) }];
  if (separator === '-') return parseRange(item, parsePort(first), parsePort(second));
  if (first === '') {
    throw new Error(`'${item}' is no port${hintAt(item)}`);
  }
  const port = parsePort(first);
  return [{ listen: port, target: port }];
}

/** A pair as PORT takes it. */
export function describePair({ listen, target }: PortPair): string {
  return listen === target ? `${listen}` : `${listen}:${target}`;
}

function hintAt(item: string): string {
  if (item.includes('*')) return ': there is no wildcard, so list the ports, or ranges such as 5000-5010';
  return /^\d+-\d+:/.test(item) ? ': a range leads to the same ports of the target' : '';
}

function parseRange(item: string, low: number, high: number): readonly PortPair[] {
  if (low > high) throw new Error(`the range '${item}' runs backwards`);
  if (high - low >= MAX_PORTS) throw new Error(`the range '${item}' holds more than ${MAX_PORTS} ports`);
  return Array.from({ length: high - low + 1 }, (_, i) => ({ listen: low + i, target: low + i }));
}

/** Reads a port number from 1 to 65535, digits only. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > MAX_PORT)
    throw new Error(`'${text}' is no port from 1 to 65535${hintAtYaml(port)}`);
  return port;
}

function hintAtYaml(number: number): string {
  const pair = [Math.floor(number / SEXAGESIMAL), number % SEXAGESIMAL];
  if (!pair.every((port) => port >= 1 && port <= MAX_PORT)) return '';
  return ` (YAML reads ${pair.join(':')} without quotes as that number)`;
}
