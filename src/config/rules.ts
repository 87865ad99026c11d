import type { Protocol } from '../lib/protocol.ts';
import { canonical } from './host.ts';
import { type PortItem, type PortPair, PROTOCOLS } from './ports.ts';
import type { TargetEntry } from './targets.ts';

/** Names that may be reached, and the ports of each. */
export interface Rule {
  readonly names: readonly string[];
  readonly protocol: Protocol;
  readonly ports: readonly PortPair[];
}

/** What stands for what entries of TARGET leave out. */
interface Defaults {
  readonly ports: readonly PortItem[];
  /** Of entries and ports that name none. */
  readonly protocol: Protocol;
}

interface Rules {
  readonly rules: readonly Rule[];
  /** What contradicts itself. */
  readonly problems: readonly string[];
  /** Ports of PORT that no name has. */
  readonly idle: readonly PortItem[];
}

/** Makes rules of TARGET and PORT. Names without ports of their own share a rule for each protocol. */
export function makeRules(
  entries: readonly TargetEntry[],
  { ports: items, protocol: fallback }: Defaults,
): Rules {
  const rules: Rule[] = [];
  const problems: string[] = [];
  const idle = new Set(items);
  for (const said of [null, ...PROTOCOLS]) {
    const names = entries.flatMap(({ name, ports, protocol }) =>
      ports === null && protocol === said ? name : [],
    );
    if (names.length === 0) continue;
    const usable = items.filter(({ protocol }) => said === null || protocol === null || protocol === said);
    if (usable.length === 0)
      problems.push(`TARGET: ${names[0]}/${said} needs a port of its own, as PORT has none for ${said}`);
    for (const item of usable) idle.delete(item);
    for (const protocol of PROTOCOLS) {
      const ports = usable
        .filter((item) => (item.protocol ?? said ?? fallback) === protocol)
        .map(({ listen, target }) => ({ listen, target }));
      if (ports.length > 0) rules.push({ names, protocol, ports });
    }
  }
  for (const { name, ports, protocol } of entries)
    if (ports !== null) rules.push({ names: [name], protocol: protocol ?? fallback, ports });
  return { rules, problems: [...problems, ...findClashes(rules)], idle: [...idle] };
}

/** Names that have a listening port twice, which takes being listed twice; and ports of PORT that are one once MODE is known. */
function findClashes(rules: readonly Rule[]): readonly string[] {
  const problems = new Set<string>();
  const repeated = findRepeated(rules.flatMap(({ names }) => names.map(canonical)));
  const targets = new Map<string, number>();
  for (const { names, protocol, ports } of rules) {
    for (const port of findRepeated(ports.map(({ listen }) => `${listen}/${protocol}`)))
      problems.add(`PORT: port ${port} is listed twice`);
    for (const name of names.map(canonical).filter((each) => repeated.has(each))) {
      for (const { listen, target } of ports) {
        const key = `${name}:${listen}/${protocol}`;
        const other = targets.get(key);
        targets.set(key, target);
        if (other === target) problems.add(`TARGET: ${key} is listed twice`);
        else if (other !== undefined)
          problems.add(`TARGET: ${key} is to lead to both port ${other} and port ${target}`);
      }
    }
  }
  return [...problems];
}

function findRepeated(items: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(items.filter((item) => seen.size === seen.add(item).size));
}
