import { WrongError } from '../loads/wrong-error.ts';
import type { Nameserver } from './nameserver.ts';

/** Whether the right target has answered: throws a WrongError if not, and a StaleError where it is one that has moved away long ago. */
export type CheckTarget = (target: number) => void;

/** An address was dialled that is the name's no longer. */
export class StaleError extends Error {}

interface Known {
  readonly name: string;
  readonly address: string;
}

/** A door asks anew 5 s after an answer at the latest, and a busy machine takes a while; in ms. */
const STALE_AFTER = 25_000;

/** The targets by the numbers that they say of themselves. */
export class Names {
  readonly #known: Known[] = [];
  readonly #nameserver: Nameserver;

  constructor(nameserver: Nameserver) {
    this.#nameserver = nameserver;
  }

  /** A number of its own for each address of a name. */
  add(name: string, addresses: readonly string[]): ReadonlyMap<string, number> {
    return new Map(addresses.map((address) => [address, this.#known.push({ name, address }) - 1]));
  }

  /** Whether who answers is the name's, at an address that the nameserver tells of it. */
  checkFor(name: string): CheckTarget {
    return (number) => {
      const found = this.#known[number];
      if (found?.name !== name)
        throw new WrongError(`asked for ${name}, and ${found?.name ?? number} answered`);
      const staleness = this.#nameserver.staleness(name, found.address);
      if (staleness > STALE_AFTER && staleness < Infinity)
        throw new StaleError(`${found.address} has not been ${name} for ${Math.round(staleness / 1_000)} s`);
    };
  }
}
