import { listSome } from '../lib/list-some.ts';
import { ConfigError } from './config-error.ts';
import { type Config, parseConfig } from './config.ts';
import { canonical, ipVersion } from './host.ts';
import { parseTargets, type TargetEntry } from './targets.ts';

/** Entries that TARGET cannot have beside the others. */
export interface LeftOut {
  readonly entries: readonly string[];
  /** What a start with the first of them would say. */
  readonly problem: string;
}

/** What is tried, and how. */
interface Trial {
  /** The entries in force. */
  readonly listed: readonly string[];
  /** What a start would say against a list of entries. */
  readonly problemsOf: (list: readonly string[]) => readonly string[];
}

interface Found {
  readonly added: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/** How many lists are tried: the thread that relays reads each of them whole, which takes 1 ms for a hundred entries. */
const MAX_TRIALS = 16;

/** What may be added to the list of a relay that runs in an environment. */
export class Additions {
  readonly #environment: NodeJS.ProcessEnv;
  #last: { readonly what: string; readonly found: Found } | null = null;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
  }

  /** Those of some entries that the list in force may have as well, sorted. What was found is kept, as whoever watches asks for it every 2 s. */
  find(
    entries: readonly string[],
    { targetText, nameCheck }: Pick<Config, 'targetText' | 'nameCheck'>,
  ): Found {
    const listed = (targetText ?? this.#environment['TARGET'] ?? '').split(/[\s,]+/).filter(Boolean);
    const what = JSON.stringify([listed, entries]);
    if (this.#last?.what !== what) {
      const problemsOf: Trial['problemsOf'] = (list) => this.#problemsOf(list, nameCheck);
      this.#last = { what, found: findAdditions(entries, { listed, problemsOf }) };
    }
    return this.#last.found;
  }

  /** Whoever has names reported means to enforce a list, which several names on a port ask for. */
  #problemsOf(list: readonly string[], nameCheck: Config['nameCheck']): readonly string[] {
    const { NAME_CHECK: given } = this.#environment;
    const NAME_CHECK = nameCheck === 'report' ? 'enforce' : given;
    try {
      parseConfig({ ...this.#environment, NAME_CHECK, TARGET: list.join(' '), TARGET_FILE: '' });
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
      throw error;
    }
  }
}

/**
 * Finds which of these entries a list may have as well, so that a relay would start. Most often that is all of them, and one list is tried; else halves are.
 * Entries that differ by names alone which are not listed yet are alike to a start: of those, as many are added as there is room for, the first ones first.
 */
function findAdditions(entries: readonly string[], { listed, problemsOf }: Trial): Found {
  const added: string[] = [];
  const leftOut: LeftOut[] = [];
  let trials = 0;
  const tryMore = (more: readonly string[]): readonly string[] =>
    trials++ < MAX_TRIALS
      ? problemsOf([...listed, ...added, ...more])
      : ['not tried, as too many others cannot be added'];

  /** Those that fit, of what is alike and does not fit as a whole. */
  const addFirst = (alike: readonly string[], problems: readonly string[]): void => {
    let [fitting, beyond, why] = [0, alike.length, problems];
    while (beyond - fitting > 1) {
      const middle = Math.floor((fitting + beyond) / 2);
      const found = tryMore(alike.slice(0, middle));
      if (found.length === 0) fitting = middle;
      else [beyond, why] = [middle, found];
    }
    added.push(...alike.slice(0, fitting));
    leftOut.push({ entries: alike.slice(fitting), problem: listSome(why, '; ') });
  };
  /** Whether all of them fit. */
  const add = (
    kinds: readonly (readonly string[])[],
    problems: readonly string[] = tryMore(kinds.flat()),
  ): boolean => {
    const doAllFit = problems.length === 0;
    const [first = [], ...others] = kinds;
    if (doAllFit) added.push(...kinds.flat());
    else if (others.length === 0) addFirst(first, problems);
    else {
      const middle = Math.floor(kinds.length / 2);
      const doFirst = add(kinds.slice(0, middle));
      // With all of the first half, it is the same list again.
      add(kinds.slice(middle), doFirst ? problems : undefined);
    }
    return doAllFit;
  };

  if (entries.length > 0) add(kindsOf(entries, listed));
  return { added: added.toSorted(), leftOut };
}

/** Entries that are alike to a start. Names come first: several may share a port, which an address has to itself. */
function kindsOf(entries: readonly string[], listed: readonly string[]): readonly (readonly string[])[] {
  const parse = (entry: string) => parseTargets(entry)[0] as TargetEntry;
  const known = new Set(listed.map((entry) => canonical(parse(entry).name)));
  const isAddress = (entry: string) => ipVersion(parse(entry).name) !== 0;
  const kinds = Map.groupBy(entries, (entry) => {
    const { name, ...how } = parse(entry);
    return known.has(canonical(name)) ? entry : JSON.stringify([isAddress(entry), how]);
  });
  return [...kinds.values()].toSorted(
    ([one = ''], [other = '']) => Number(isAddress(one)) - Number(isAddress(other)),
  );
}
