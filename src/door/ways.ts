import { isIPv4 } from 'node:net';

import type { Config, PortConfig } from '../config/config.ts';
import { mustChoose } from '../config/listeners.ts';
import { isWildcard } from '../config/targets.ts';
import { type Lane, MAX_ID } from '../lane/ruleset.ts';
import { createNetworkTest } from '../lib/networks.ts';
import { portKey, type Protocol } from '../lib/protocol.ts';
import type { LoopGuard } from '../relay/loop-guard.ts';
import { isForwarded } from '../runtime/forwarding.ts';
import { loopGuardOf } from './loops.ts';
import type { GivenAddresses } from './name-addresses.ts';

/** A name at a port. */
export interface Way {
  /** Of its lanes, and of all flows that they take. */
  readonly id: number;
  readonly port: number;
  readonly protocol: Protocol;
  readonly host: string;
}

/** Where a way leads now. */
export interface WayNow {
  readonly way: Way;
  readonly targets: readonly string[];
  readonly lanes: readonly Lane[];
}

interface Options {
  /** The addresses that a name has now, as far as they are known: none is asked for. */
  readonly addressesOf: (name: string) => readonly string[];
  /** Names that have addresses of their own; null where none have. */
  readonly given: Pick<GivenAddresses, 'known'> | null;
  /** How many flows of a port the kernel may have now. */
  readonly limitOf: (port: Pick<Way, 'port' | 'protocol'>) => number;
}

/** Names at ports: each that there has been keeps its id for as long as the program runs, as its flows may live as long. */
export class Ways {
  readonly #options: Options;
  /** By id. */
  readonly #all: Way[] = [];
  /** By port, protocol and name. */
  readonly #known = new Map<string, Way>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** In the order of their ids. */
  get all(): readonly Way[] {
    return this.#all;
  }

  /** All that are listed, and where each leads by what is known now. */
  now(config: Config): readonly WayNow[] {
    const guards = { tcp: loopGuardOf(config, 'tcp'), udp: loopGuardOf(config, 'udp') };
    return config.listeners.flatMap((listener) => {
      const { kind, port, allowed } = listener;
      if (kind === 'http-proxy' || (kind === 'udp' && !config.udpAnswers)) return [];
      return allowed.flatMap(({ names, ports: [targetPort = 0] }) =>
        names.flatMap((host) => {
          const way = isWildcard(host) ? null : this.#way({ port, protocol: kind, host });
          if (way === null) return [];
          const known = this.#options.addressesOf(host);
          const targets = withoutLoops(guards[kind], { host, port: targetPort }, known);
          return [{ way, targets, lanes: this.#lanesOf(listener, way, { targets, targetPort }) }];
        }),
      );
    });
  }

  /** Null where there have been too many to tell their flows apart. */
  #way(where: Omit<Way, 'id'>): Way | null {
    const key = `${portKey(where)} ${where.host}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#all.length > MAX_ID) return null;
    const way = { id: this.#all.length, ...where };
    this.#known.set(key, way);
    this.#all.push(way);
    return way;
  }

  /** One for each address of ours that leads there and nowhere else; without names' own addresses one for each family. */
  #lanesOf(
    listener: PortConfig,
    { id, port, protocol, host }: Way,
    { targets, targetPort }: Pick<Lane, 'targets' | 'targetPort'>,
  ): readonly Lane[] {
    const { given, limitOf } = this.#options;
    const limit = limitOf({ port, protocol });
    const owns = given === null ? (mustChoose(listener) ? [] : [null]) : given.known(host);
    return [true, false].filter(isForwarded).flatMap((isV4) => {
      const same = targets.filter((target) => isIPv4(target) === isV4 && isElsewhere(target));
      if (same.length === 0) return [];
      return owns
        .filter((own) => own === null || isIPv4(own) === isV4)
        .map((own) => ({ id, protocol, port, own, targets: same, targetPort, limit }));
    });
  }
}

/** What is here, or of one link alone, or none of its family in truth, the kernel does not lead to: the relay may. */
const isHere = createNetworkTest([
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['224.0.0.0', 3],
  ['::', 127],
  ['::ffff:0:0', 96],
  ['fe80::', 10],
  ['ff00::', 8],
]);

function isElsewhere(address: string): boolean {
  return !address.includes('%') && !isHere(address);
}

/** A loop is told of by the relay, which is asked where there is no lane. */
function withoutLoops(
  guard: LoopGuard,
  target: Parameters<LoopGuard>[0],
  addresses: readonly string[],
): readonly string[] {
  try {
    return guard(
      target,
      addresses.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 })),
    ).map(({ address }) => address);
  } catch {
    return [];
  }
}
