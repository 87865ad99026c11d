import type { Config } from '../config/config.ts';
import { canonical, ipVersion } from '../config/host.ts';
import { NameIndex } from '../config/name-index.ts';
import { isWildcard, namesAbove } from '../config/targets.ts';
import type { Verdict } from '../dns-server/answer.ts';
import type { Standing } from '../lib/standing.ts';

/** What is made of a name, and how it is allowed where it is. */
type Judgement =
  | { readonly verdict: Extract<Verdict, 'allowed'>; readonly standing: Standing }
  | { readonly verdict: Exclude<Verdict, 'allowed'> };

/** What the door's own nameserver makes of names. */
export class Zone {
  readonly #allowed = new NameIndex<true>();
  /** Names that are listed, and those above what is: they are there. */
  readonly #there: ReadonlySet<string>;

  constructor({ targets }: Pick<Config, 'targets'>) {
    for (const target of targets) this.#allowed.add(target, true);
    const names = targets.filter((target) => ipVersion(target) === 0);
    const listed = names.filter((name) => !isWildcard(name));
    this.#there = new Set([...listed.map(canonical), ...names.flatMap(namesAbove)]);
  }

  /** Whether a name is listed or above one that is, or above a wildcard; in lower case without the root's dot. Takes no longer for a long name. */
  isThere(name: string): boolean {
    return this.#there.has(name);
  }

  /** Of a name in lower case without the root's dot: the root is ''. */
  judge(name: string): Judgement {
    const match = this.#allowed.find(name);
    // A name of one label is above others, whoever owns them.
    const isTooShort = match?.standing === 'learned' && !name.includes('.');
    if (match !== null && !isTooShort) return { verdict: 'allowed', standing: match.standing };
    return { verdict: isTooShort || this.isThere(name) ? 'above' : 'unknown' };
  }
}
