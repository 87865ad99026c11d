import { renameSync, writeFileSync } from 'node:fs';

import type { Random } from '../random.ts';

/** A TARGET_FILE: entries that stay in it, and names that come and go. */
export class TargetList {
  readonly path: string;
  readonly #staying: readonly string[];
  readonly #entries: ReadonlyMap<string, string>;
  readonly #listed: Set<string>;

  constructor(path: string, staying: readonly string[], comingAndGoing: ReadonlyMap<string, string>) {
    this.path = path;
    this.#staying = staying;
    this.#entries = comingAndGoing;
    this.#listed = new Set(comingAndGoing.keys());
    this.write();
  }

  isListed(name: string): boolean {
    return this.#listed.has(name);
  }

  /** Takes names off and puts others on it, at least one of them. */
  change(random: Random): void {
    const names = [...this.#entries.keys()];
    const first = random.pick(names);
    for (const name of names) {
      if (name !== first && random.chance(0.5)) continue;
      if (!this.#listed.delete(name)) this.#listed.add(name);
    }
    this.write();
  }

  write(): void {
    const entries = [...this.#entries].filter(([name]) => this.#listed.has(name)).map(([, entry]) => entry);
    this.#put([...this.#staying, ...entries].join('\n'));
  }

  /** Puts a line on it that no door understands. */
  spoil(random: Random): void {
    this.#put([...this.#staying, `broken-${random.whole(0, 1e9)}.test:notaport`].join('\n'));
  }

  /** As editors do: a reader sees the one list or the other. */
  #put(text: string): void {
    writeFileSync(`${this.path}.new`, `# Written by soak.\n${text}\n`);
    renameSync(`${this.path}.new`, this.path);
  }
}
