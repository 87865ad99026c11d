import { portKey } from '../lib/protocol.ts';
import type { Standing } from '../lib/standing.ts';
import { type AskedAt, type NameCells, NameCounters } from './name-counters.ts';

/** What a thread counts from now on. */
export interface Counted {
  /** null: all names that have no counters of their own. */
  readonly of: AskedAt | null;
  readonly standing: Standing;
  readonly cells: NameCells;
}

/** How many names are told apart; the rest are counted together. */
export const MAX_NAMES = 1_000;

/**
 * The counters of all names that one thread relays for. Clients choose those that are not listed, which have a bound of their own: however many they make up,
 * a listed name has counters.
 */
export class NameTable {
  readonly #onNew: (counted: Counted) => void;
  readonly #listed = new Map<string, NameCounters>();
  readonly #chosen = new Map<string, NameCounters>();
  #rest: NameCounters | null = null;

  /** `onNew` is told of counters before anything is counted. */
  constructor(onNew: (counted: Counted) => void) {
    this.#onNew = onNew;
  }

  /** Of one name at one port it is always the same. */
  of(at: AskedAt, standing: Standing): NameCounters {
    const known = standing === 'listed' ? this.#listed : this.#chosen;
    const key = `${standing} ${keyOf(at)}`;
    const counters = known.get(key);
    if (counters !== undefined) return counters;
    if (known.size >= MAX_NAMES) return (this.#rest ??= this.#open(null, standing));
    const fresh = this.#open(at, standing);
    known.set(key, fresh);
    return fresh;
  }

  #open(of: AskedAt | null, standing: Standing): NameCounters {
    const counters = new NameCounters();
    this.#onNew({ of, standing, cells: counters.cells });
    return counters;
  }
}

/** What tells names at ports apart. */
export function keyOf({ asked, ...where }: AskedAt): string {
  return `${portKey(where)} ${asked}`;
}
