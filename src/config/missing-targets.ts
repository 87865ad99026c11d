import type { Protocol } from '../lib/protocol.ts';
import type { Config } from './config.ts';
import { canonical, ipVersion, parseHost } from './host.ts';
import { type ListenerKind, portsOf } from './listeners.ts';
import { indexNames } from './name-index.ts';
import type { PortPair } from './ports.ts';
import { describeTarget, EVERYBODY } from './targets.ts';

/** A name that was asked for. */
export interface Wanted {
  readonly name: string;
  /** The port that was asked for together with it, of a forward proxy; null: the one that is listened on. */
  readonly to: number | null;
  /** The port that is listened on. */
  readonly port: number;
  readonly protocol: Protocol | 'dns';
}

/** What says what is allowed. */
type Rules = Pick<Config, 'rules' | 'listeners' | 'defaultPorts' | 'defaultProtocol'>;

/** Names of addresses (RFC 1035 §3.5, RFC 3596 §2.5), which nobody connects to. */
const REVERSE = '.arpa';

/** Where clients name somebody, and what is allowed there. */
interface Door {
  readonly kind: ListenerKind;
  /** Where it leads. */
  readonly targets: ReadonlySet<number>;
  readonly allows: (name: string, target: number) => boolean;
}

/**
 * The entries that TARGET lacks for these names to be let through, sorted, as TARGET has them: a bare name where the ports of PORT do, else with its own port.
 * What is allowed by now is left out, and so is what no entry could allow, as an address where clients have to name whom they want. A name that DNS alone was
 * asked for has the ports of PORT, as nobody knows which it needs.
 */
export function missingTargets(wanted: readonly Wanted[], rules: Rules): readonly string[] {
  const doors = doorsOf(rules);
  const listed = listenedTo(rules);
  const defaults = rules.defaultPorts
    .filter(({ protocol }) => (protocol ?? rules.defaultProtocol) === 'tcp')
    .map(({ listen, target }) => ({ listen, target }));
  const named = new Set<string>();
  const entries = wanted
    .filter(({ protocol }) => protocol === 'tcp')
    .flatMap((each) => {
      const door = doors.get(each.port) ?? null;
      const pair = pairOf(each, door);
      if (pair === null || door?.allows(each.name, pair.target) === true) return [];
      named.add(each.name);
      const own = listed.get(each.name);
      const isUsual = defaults.some((usual) => leadsAlike(usual, pair, door));
      // A name cannot have a listening port twice.
      if (isUsual && !defaults.some(({ listen }) => own?.has(listen))) return [each.name];
      return [`${describeTarget(each.name, pair)}${rules.defaultProtocol === 'tcp' ? '' : '/tcp'}`];
    });
  const known = indexNames(rules.rules.map(withoutEverybody));
  const alone = wanted
    .filter(({ name, protocol }) => protocol === 'dns' && isHost(name) && !name.endsWith(REVERSE))
    .map(({ name }) => name)
    .filter((name) => !named.has(name) && known.find(name) === null);
  return [...new Set([...entries, ...alone])].toSorted();
}

/** Whoever is let in to learn names is to be listed. */
function withoutEverybody<T extends { readonly names: readonly string[] }>(list: T): T {
  return { ...list, names: list.names.filter((name) => name !== EVERYBODY) };
}

/** By listening port. */
function doorsOf({ listeners }: Rules): ReadonlyMap<number, Door> {
  const doors = new Map<number, Door>();
  for (const { kind, port, allowed } of listeners) {
    if (kind === 'udp') continue;
    const index = indexNames(allowed.map(withoutEverybody));
    const allows: Door['allows'] = (name, target) =>
      index.find(name, ({ ports }) => kind === 'tcp' || ports.includes(target)) !== null;
    doors.set(port, { kind, targets: new Set(portsOf(allowed)), allows });
  }
  return doors;
}

/** The listening ports of each name over TCP. */
function listenedTo({ rules }: Rules): ReadonlyMap<string, ReadonlySet<number>> {
  const ports = new Map<string, Set<number>>();
  for (const { names, protocol, ports: pairs } of rules) {
    if (protocol !== 'tcp') continue;
    for (const name of names.map(canonical)) {
      const own = ports.get(name) ?? new Set();
      for (const { listen } of pairs) own.add(listen);
      ports.set(name, own);
    }
  }
  return ports;
}

/** Where the name would have to lead; null where no entry could have it lead there. */
function pairOf({ name, to, port }: Wanted, door: Door | null): PortPair | null {
  if (!isHost(name)) return null;
  if (door?.kind === 'http-proxy') return to === null ? null : { listen: to, target: to };
  if (to !== null || ipVersion(name) !== 0) return null;
  // Where all names lead to one port, so does the next.
  const [target = port, ...others] = door?.targets ?? [];
  return { listen: port, target: others.length === 0 ? target : port };
}

/** Whether clients would come there; those of a forward proxy ask for the target's port. */
function leadsAlike(one: PortPair, other: PortPair, door: Door | null): boolean {
  return door?.kind === 'http-proxy' ? one.target === other.target : one.listen === other.listen;
}

function isHost(name: string): boolean {
  try {
    return parseHost(name) === name;
  } catch {
    return false;
  }
}
