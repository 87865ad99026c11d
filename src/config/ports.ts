/** A listening port and the target's port it is relayed to. */
export interface PortPair {
  readonly listen: number;
  readonly target: number;
}

/** In all: each is a socket that listens. */
const MAX_PORTS = 1_000;

/**
 * Reads `80 443`, `8080:80` and `5000-5010`, separated by spaces or commas. Throws at the first bad or repeated port, or when there are more
 * than 1,000.
 */
export function parsePorts(text: string): readonly PortPair[] {
  const pairs: PortPair[] = [];
  for (const item of text.split(/[\s,]+/).filter(Boolean)) {
    pairs.push(...parseItem(item));
    if (pairs.length > MAX_PORTS) throw new Error(`more than ${MAX_PORTS} ports are listed`);
  }
  if (pairs.length === 0) throw new Error('no port is listed');

  const seen = new Set<number>();
  for (const { listen } of pairs) {
    if (seen.has(listen)) throw new Error(`port ${listen} is listed twice`);
    seen.add(listen);
  }
  return pairs;
}

function parseItem(item: string): readonly PortPair[] {
  const [, first = '', separator, second = ''] = /^(\d+)(?:([:-])(\d+))?$/.exec(item) ?? [];
  if (separator === ':') return [{ listen: parsePort(first), target: parsePort(second) }];
  if (separator === '-') return parseRange(item, parsePort(first), parsePort(second));
  if (first === '') throw new Error(`'${item}' is no port`);
  const port = parsePort(first);
  return [{ listen: port, target: port }];
}

function parseRange(item: string, low: number, high: number): readonly PortPair[] {
  if (low > high) throw new Error(`the range '${item}' runs backwards`);
  if (high - low >= MAX_PORTS) throw new Error(`the range '${item}' holds more than ${MAX_PORTS} ports`);
  return Array.from({ length: high - low + 1 }, (_, i) => ({ listen: low + i, target: low + i }));
}

/** Reads a port number from 1 to 65535, digits only. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535)
    throw new Error(`'${text}' is no port from 1 to 65535`);
  return port;
}
