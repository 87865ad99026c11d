/** A listening port and the target's port it is relayed to. */
export interface PortPair {
  readonly listen: number;
  readonly target: number;
}

const MAX_PORT = 65_535;
/** In all: each is a socket that listens. */
const MAX_PORTS = 1_000;
/** YAML 1.1 reads `22:22` without quotes as a number of base 60, if the second part is less than that (yaml.org/type/int.html). */
const SEXAGESIMAL = 60;
/** Ports below that which are relayed as they are: FTP, SSH, Telnet, SMTP, WHOIS, DNS. */
const LIKELY_PORTS = [21, 22, 23, 25, 43, 53];

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

function parseItem(item: string): readonly PortPair[] {
  const [, first = '', separator, second = ''] = /^(\d+)(?:([:-])(\d+))?$/.exec(item) ?? [];
  if (separator === ':') return [{ listen: parsePort(first), target: parsePort(second) }];
  if (separator === '-') return parseRange(item, parsePort(first), parsePort(second));
  if (first === '') {
    const hint = item.includes('*')
      ? ': there is no wildcard, so list the ports, or ranges such as 5000-5010'
      : '';
    throw new Error(`'${item}' is no port${hint}`);
  }
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
  if (!/^\d+$/.test(text) || port < 1 || port > MAX_PORT)
    throw new Error(`'${text}' is no port from 1 to 65535${hintAtYaml(port)}`);
  return port;
}

function hintAtYaml(number: number): string {
  const pair = [Math.floor(number / SEXAGESIMAL), number % SEXAGESIMAL];
  if (!pair.every((port) => port >= 1 && port <= MAX_PORT)) return '';
  return ` (YAML reads ${pair.join(':')} without quotes as that number)`;
}
