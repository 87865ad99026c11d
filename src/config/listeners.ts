import { listSome } from '../lib/list-some.ts';
import type { Protocol } from '../lib/protocol.ts';
import { ipVersion } from './host.ts';
import { MAX_PORTS } from './ports.ts';
import type { Rule } from './rules.ts';
import { isWildcard } from './targets.ts';

/** What listens: a relay of TCP or UDP, or the forward proxy. */
export type ListenerKind = Protocol | 'http-proxy';

/** Names, and the ports of each that may be reached. */
export interface Allowed {
  readonly names: readonly string[];
  readonly ports: readonly number[];
}

/** What listens for clients on a port, and where it leads. */
export interface Listener {
  readonly kind: ListenerKind;
  readonly port: number;
  /** A relay leads to one port of each name. */
  readonly allowed: readonly Allowed[];
}

interface Ways {
  /** Whether relays listen for rules of TCP. */
  readonly relaysTcp: boolean;
  /** Where the forward proxy listens; null: nowhere. */
  readonly proxyPort: number | null;
  /** Whether names have addresses of their own, which choose. */
  readonly byAddress: boolean;
}

/** What has to listen so that clients reach what the rules allow, and what speaks against it. */
export function listenersOf(
  rules: readonly Rule[],
  { relaysTcp, proxyPort, byAddress }: Ways,
): { readonly listeners: readonly Listener[]; readonly problems: readonly string[] } {
  const relays = new Map<string, Listener & { readonly allowed: Allowed[] }>();
  for (const { names, protocol, ports } of rules) {
    if (protocol === 'tcp' && !relaysTcp) continue;
    for (const { listen, target } of ports) {
      const relay = relays.get(`${listen}/${protocol}`) ?? { kind: protocol, port: listen, allowed: [] };
      relay.allowed.push({ names, ports: [target] });
      relays.set(`${listen}/${protocol}`, relay);
    }
  }
  const proxies = proxyPort === null ? [] : [proxyOf(rules, proxyPort)];
  const listeners = [...relays.values(), ...proxies];
  return {
    listeners,
    problems: [
      ...(listeners.length > MAX_PORTS
        ? [`TARGET and PORT: more than ${MAX_PORTS} ports are to be listened on`]
        : []),
      ...findAmbiguous(listeners, byAddress),
      ...proxies.flatMap(({ port, allowed }) => [
        ...listeners
          .filter((relay) => relay.kind === 'tcp' && relay.port === port)
          .map((relay) => `LISTEN=${port}: ${whyListening(relay, 'on that port')}`),
        ...(allowed.length === 0 ? ['MODE=http-proxy: no name has a tcp port that could be asked for'] : []),
      ]),
    ],
  };
}

/** What goes over the wire to a listener. */
export function protocolOf(kind: ListenerKind): Protocol {
  return kind === 'udp' ? 'udp' : 'tcp';
}

/** What has something listen somewhere, where nothing else can. */
export function whyListening({ kind, allowed }: Listener, where: string): string {
  return kind === 'http-proxy'
    ? `LISTEN has the forward proxy listen ${where}`
    : `TARGET and PORT have a relay listen ${where}, for ${listSome(namesOf(allowed), ' ')}`;
}

/** Whether clients have to name whom they want, as there are several or a wildcard. */
export function mustChoose({ allowed }: Listener): boolean {
  const [first, ...others] = namesOf(allowed);
  return others.length > 0 || (first !== undefined && isWildcard(first));
}

/** All names of an allow-list. */
export function namesOf(allowed: readonly Allowed[]): readonly string[] {
  return allowed.flatMap(({ names }) => names);
}

/** All targets' ports of an allow-list. */
export function portsOf(allowed: readonly Allowed[]): readonly number[] {
  return allowed.flatMap(({ ports }) => ports);
}

function proxyOf(rules: readonly Rule[], port: number): Listener {
  const allowed = rules
    .filter(({ protocol }) => protocol === 'tcp')
    .map(({ names, ports }) => ({ names, ports: ports.map(({ target }) => target) }));
  return { kind: 'http-proxy', port, allowed };
}

/** Ports of UDP that several names share; where names have addresses, a target that is an address itself has none. */
function findAmbiguous(listeners: readonly Listener[], byAddress: boolean): readonly string[] {
  const canChoose = (listener: Listener) =>
    byAddress && namesOf(listener.allowed).every((name) => ipVersion(name) === 0);
  const ambiguous = listeners.filter(
    (listener) => listener.kind === 'udp' && mustChoose(listener) && !canChoose(listener),
  );
  const byNames = Map.groupBy(ambiguous, ({ allowed }) => listSome(namesOf(allowed), ' '));
  return [...byNames].map(
    ([names, sharing]) =>
      `TARGET="${names}": a port of UDP belongs to one name and no wildcard, as datagrams carry no name to choose by (${listSome(
        sharing.map(({ port }) => `${port}/udp`),
        ', ',
      )})`,
  );
}
