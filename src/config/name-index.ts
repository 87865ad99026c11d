import type { Standing } from '../lib/standing.ts';
import { canonical, ipVersion } from './host.ts';
import { isWildcard, namesAbove, parentOf } from './targets.ts';

/** Labels of letters, digits, hyphens and underscores, in one name of at most 253 (RFC 1035 §2.3.4), with or without the root's dot. */
const NAME = /^(?=.{1,253}\.?$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?$/i;

/** What is meant by a name. */
export interface Match<T> {
  /** The listed target that it is, or the name itself where a wildcard stands for it. */
  readonly host: string;
  readonly standing: Standing;
  readonly value: T;
}

/**
 * Finds what is kept for targets by the names that they stand for. Names are the same in either case, with or without the root's dot (RFC 4343). It takes as
 * long among a thousand as among ten.
 */
export class NameIndex<T> {
  readonly #listed = new Map<string, { readonly host: string; readonly values: T[] }>();
  /** By the parent of a wildcard. */
  readonly #below = new Map<string, T[]>();

  add(target: string, value: T): void {
    if (isWildcard(target)) {
      const parent = parentOf(target);
      const values = this.#below.get(parent) ?? [];
      values.push(value);
      this.#below.set(parent, values);
    } else {
      const name = canonical(target);
      const listed = this.#listed.get(name) ?? { host: target, values: [] };
      listed.values.push(value);
      this.#listed.set(name, listed);
    }
  }

  /**
   * The first of what is kept for a name that is `meant`, null where nothing is. A listed target comes before the wildcards above it, and of these the longest
   * is first. What is no name and no address leads nowhere.
   */
  find(name: string, isMeant: (value: T) => boolean = () => true): Match<T> | null {
    if (!NAME.test(name) && ipVersion(name) === 0) return null;
    const wanted = canonical(name);
    const { host = wanted, values = [] } = this.#listed.get(wanted) ?? {};
    const value = values.find(isMeant);
    if (value !== undefined) return { host, standing: 'listed', value };
    if (ipVersion(name) !== 0) return null;
    for (const above of namesAbove(wanted)) {
      const below = this.#below.get(above)?.find(isMeant);
      if (below !== undefined) return { host, standing: above === '' ? 'learned' : 'below', value: below };
    }
    return null;
  }
}

/** Indexes all names of some lists, each by the list that it is in. */
export function indexNames<T extends { readonly names: readonly string[] }>(
  lists: readonly T[],
): NameIndex<T> {
  const index = new NameIndex<T>();
  for (const list of lists) for (const name of list.names) index.add(name, list);
  return index;
}
