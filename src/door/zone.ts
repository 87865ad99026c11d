import type { Config } from '../config/config.ts';
import { canonical, ipVersion } from '../config/host.ts';
import { indexNames, type NameIndex } from '../config/name-index.ts';
import { EVERYBODY, isWildcard, parentOf } from '../config/targets.ts';
import type { Verdict } from '../dns-server/answer.ts';
import type { Standing } from '../lib/standing.ts';

/** What the door's own nameserver makes of names. */
export class Zone {
  #index: NameIndex<{ readonly names: readonly string[] }>;
  /** Names that are there, as others below them are allowed. */
  #above: ReadonlySet<string>;

  constructor(config: Pick<Config, 'targets'>) {
    this.#index = indexNames([]);
    this.#above = new Set();
    this.follow(config);
  }

  /** Goes by these names from now on. */
  follow({ targets }: Pick<Config, 'targets'>): void {
    this.#index = indexNames(targets.map((target) => ({ names: [target] })));
    this.#above = new Set(targets.flatMap(ancestorsOf));
  }

  /** Of a name in lower case without the root's dot: the root is ''. */
  judge(name: string): Verdict {
    const match = this.#index.find(name);
    const isLearned = match?.value.names[0] === EVERYBODY;
    // A name of one label is above others, whoever owns them.
    if (match !== null && !(isLearned && !name.includes('.'))) return 'allowed';
    return isLearned || this.#above.has(name) ? 'above' : 'unknown';
  }

  /** How a name is allowed that is. */
  standingOf(name: string): Standing {
    return this.#index.find(name)?.standing ?? 'learned';
  }
}

/** All names above a target, to the root. */
function ancestorsOf(target: string): readonly string[] {
  if (ipVersion(target) !== 0) return [];
  const names = isWildcard(target) ? [parentOf(target)] : [];
  let name = names[0] ?? canonical(target);
  while (name !== '') {
    const dot = name.indexOf('.');
    name = dot === -1 ? '' : name.slice(dot + 1);
    names.push(name);
  }
  return names;
}
