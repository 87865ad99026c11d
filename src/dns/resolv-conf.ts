import { isIP } from 'node:net';

/** What /etc/resolv.conf says. */
export interface ResolvConf {
  /** Addresses, to be asked in order. */
  readonly nameservers: readonly string[];
  /** Domains, without dots around them; '' is the root. */
  readonly search: readonly string[];
  /** A name with so many dots is asked for as it is, before the search list. */
  readonly ndots: number;
  /** How long a nameserver may take before the next is asked, in ms. */
  readonly timeout: number;
  /** How often all nameservers are asked. */
  readonly attempts: number;
  /** Whether they are asked over TCP alone (`use-vc`). */
  readonly overTcp: boolean;
  /** Whether IPv6 addresses are asked for; `no-aaaa` says no. */
  readonly asksAaaa: boolean;
}

/** glibc's bounds and defaults (resolv.h: MAXNS, RES_MAXNDOTS, RES_MAXRETRANS, RES_MAXRETRY, RES_TIMEOUT, RES_DFLRETRY). */
const MAX_NAMESERVERS = 3;
const BOUNDS = { ndots: [1, 15], timeout: [5, 30], attempts: [2, 5] } as const;
/** What can be asked for (RFC 1035 §2.3.4). */
const NAME = /^(?=.{1,253}\.?$)[^.]{1,63}(\.[^.]{1,63})*\.?$/;

/**
 * Reads /etc/resolv.conf as glibc does (resolv.conf(5)): keywords begin a line, the last `search` or `domain` counts, what is not known is passed over.
 * Without such a line the host's own domain is searched; without a nameserver, this machine is asked.
 */
export function parseResolvConf(text: string, hostname: string): ResolvConf {
  const nameservers: string[] = [];
  const options: string[] = [];
  let search: readonly string[] | null = null;
  for (const line of text.split('\n')) {
    const [, keyword, rest = ''] = /^(\w+)[ \t]+([^]*)$/.exec(line) ?? [];
    const words = rest.split(/\s+/).filter(Boolean);
    const [first] = words;
    if (keyword === 'nameserver' && first !== undefined && isIP(first) !== 0) nameservers.push(first);
    else if (keyword === 'options') options.push(...words);
    else if (keyword === 'search' && first !== undefined) search = words;
    else if (keyword === 'domain' && first !== undefined) search = [first];
  }
  const [, ...domain] = hostname.split('.');
  const ownDomain = domain.length > 0 ? [domain.join('.')] : [];
  return {
    nameservers: nameservers.length > 0 ? nameservers.slice(0, MAX_NAMESERVERS) : ['127.0.0.1'],
    search: (search ?? ownDomain).map((name) => name.replace(/^\.|\.$/g, '')),
    ndots: numberOf('ndots', options),
    timeout: Math.max(1, numberOf('timeout', options)) * 1_000,
    attempts: Math.max(1, numberOf('attempts', options)),
    overTcp: options.includes('use-vc'),
    asksAaaa: !options.includes('no-aaaa'),
  };
}

function numberOf(name: keyof typeof BOUNDS, options: readonly string[]): number {
  const [byDefault, most] = BOUNDS[name];
  const written = options.findLast((option) => option.startsWith(`${name}:`)) ?? '';
  const [, digits] = /:(\d+)/.exec(written) ?? [];
  return digits === undefined ? byDefault : Math.min(most, Number(digits));
}

/**
 * The names that one may stand for, in the order in which they are asked for (resolv.conf(5), `ndots`): with the root's dot, itself alone. None where DNS can
 * hold none of them.
 */
export function candidatesFor(
  name: string,
  { search, ndots }: Pick<ResolvConf, 'search' | 'ndots'>,
): readonly string[] {
  const dots = name.split('.').length - 1;
  const searched = search.map((domain) => (domain === '' ? name : `${name}.${domain}`));
  const inOrder = dots >= ndots ? [name, ...searched] : [...searched, name];
  return [...new Set(name.endsWith('.') ? [name] : inOrder)].filter((candidate) => NAME.test(candidate));
}
