import type { PortConfig } from '../config/config.ts';
import { protocolOf } from '../config/listeners.ts';
import { indexNames, type NameIndex } from '../config/name-index.ts';
import { EVERYBODY } from '../config/targets.ts';
import { ResolveError } from '../lib/resolve-error.ts';
import type { Standing } from '../lib/standing.ts';
import { endpoint } from '../relay/endpoint.ts';
import type { NameTable } from '../relay/name-table.ts';
import { type Choose, chooseByName, chooseByNameAndPort } from '../relay/names/choose.ts';
import type { Destination, Target } from '../relay/target.ts';
import { Refusal } from '../wire/refusal.ts';

/** How to find a target's addresses, by name and port. */
export type DestinationOf = (host: string, port: number) => Destination;

/** What may be reached by some names: these ports, or any, where a forward proxy learns what is asked for. */
interface Reachable {
  readonly names: readonly string[];
  readonly ports: readonly number[] | null;
}

/** Where a port leads. When that changes, whoever has asked before is held to it too, at its next choice and its next dial. */
export class Routes {
  readonly choose: Choose;
  readonly #destinationOf: DestinationOf;
  readonly #names: NameTable;
  #port: PortConfig;
  #index: NameIndex<Reachable>;

  constructor(port: PortConfig, destinationOf: DestinationOf, names: NameTable) {
    this.#destinationOf = destinationOf;
    this.#names = names;
    this.#port = port;
    this.#index = indexOf(port);
    this.choose =
      port.kind === 'http-proxy'
        ? chooseByNameAndPort(
            (name, wanted) => this.#find(name, wanted),
            (name) => this.#index.find(name) !== null,
          )
        : chooseByName((name) => this.#find(name));
  }

  get port(): PortConfig {
    return this.#port;
  }

  /** The target of a port that leads to one name, or to the first where another is chosen. */
  get only(): Target {
    const { names: [host = ''] = [], ports: [port = 0] = [] } = this.#port.allowed[0] ?? {};
    return this.#target(host, port, 'listed');
  }

  /** The target of a name whose address was dialled. Throws a Refusal where this port does not lead there. */
  named(name: string): Target {
    const target = this.#find(name);
    if (target !== null) return target;
    throw new Refusal('not in PORT', `port ${this.#port.port} does not lead to ${name}`, name);
  }

  /** Leads elsewhere from now on; the kind of listener is the same. */
  lead(port: PortConfig): void {
    this.#port = port;
    this.#index = indexOf(port);
  }

  allows({ host, port }: Pick<Target, 'host' | 'port'>): boolean {
    return this.#index.find(host, (found) => isAt(found, port)) !== null;
  }

  /** Where a relay leads for a name, each of which has one port there; or a forward proxy for a name and a port. */
  #find(name: string, port: number | null = null): Target | null {
    const match = this.#index.find(name, (found) => port === null || isAt(found, port));
    if (match === null) return null;
    const [first = 0] = match.value.ports ?? [];
    return this.#target(match.host, port ?? first, match.standing);
  }

  /** Who has waited meanwhile, for a slot or for DNS, may have been led to what is not allowed any more. */
  #target(host: string, port: number, standing: Standing): Target {
    const target = this.#destinationOf(host, port);
    const { kind, port: listening } = this.#port;
    const asked = kind === 'http-proxy' ? endpoint(host, port) : host;
    return {
      ...target,
      asked,
      tally: () => this.#names.of({ asked, port: listening, protocol: protocolOf(kind) }, standing),
      resolve: async (...how) => {
        const addresses = await target.resolve(...how);
        if (!this.allows(target))
          throw new ResolveError(`${host}:${port} is no longer in TARGET`, { isFinal: true });
        return addresses;
      },
    };
  }
}

function indexOf({ kind, allowed }: PortConfig): NameIndex<Reachable> {
  const isAny = (names: readonly string[]) => kind === 'http-proxy' && names.includes(EVERYBODY);
  return indexNames(allowed.map(({ names, ports }) => ({ names, ports: isAny(names) ? null : ports })));
}

function isAt({ ports }: Reachable, port: number): boolean {
  return ports === null || ports.includes(port);
}
