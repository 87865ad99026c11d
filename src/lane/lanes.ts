import { isDeepStrictEqual } from 'node:util';

import {
  type COUNTED,
  type Ending,
  GUARD,
  type Lane,
  TABLE,
  type Terms,
  writeGuard,
  writeLanes,
  writeTable,
} from './ruleset.ts';
import { runTool } from './tools.ts';

/** Told why the kernel does not go by what is wanted, and of null when it does again. */
type OnTrouble = (cause: unknown) => void;

/** New flows, and bytes to and from targets, headers of IP included. */
export type LaneCounts = Readonly<Record<(typeof COUNTED)[number], number>>;

interface Counter {
  readonly name: string;
  readonly packets: number;
  readonly bytes: number;
}

interface Rules {
  readonly lanes: readonly Lane[];
  readonly ending: Ending;
}

/** The kernel's rules, which follow the lanes that are wanted: all at once each time, and one time behind the other. */
export class Lanes {
  readonly #terms: Terms;
  readonly #onTrouble: OnTrouble;
  #wanted: Rules = { lanes: [], ending: new Set() };
  /** As the kernel has them; null where that is not known. */
  #written: Rules | null = null;
  /** How many ids have been used. */
  #ids = 0;
  /** The rules as the kernel tells them. */
  #told = '';
  #trouble: unknown = null;
  /** Resolves when the kernel has been told all until now. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(terms: Terms, onTrouble: OnTrouble) {
    this.#terms = terms;
    this.#onTrouble = onTrouble;
  }

  /** From now on the kernel forwards what lanes have taken, and nothing else. Rejects with a ToolError. */
  static async open(terms: Terms, onTrouble: OnTrouble): Promise<Lanes> {
    const lanes = new Lanes(terms, onTrouble);
    await lanes.#writeAll(lanes.#wanted);
    return lanes;
  }

  /** How many the kernel goes by; null where that is not known. */
  get size(): number | null {
    return this.#written?.lanes.length ?? null;
  }

  /** Why the kernel does not go by the lanes that are wanted; null while it does. */
  get trouble(): unknown {
    return this.#trouble;
  }

  /**
   * Has new flows taken by these lanes from now on, and by no others, and connections reset that are to end. Resolves when the kernel has been told, whether or
   * not it could be.
   */
  async follow(lanes: readonly Lane[], ending: Ending): Promise<void> {
    this.#wanted = { lanes, ending };
    this.#ids = Math.max(this.#ids, ...lanes.map(({ id }) => id + 1));
    await this.#inTurn(() => this.#write());
  }

  /**
   * What has been counted of all lanes there have been, by id, since the rules were written; null where that cannot be told. Rules that somebody has changed
   * are written anew first.
   */
  async look(): Promise<ReadonlyMap<number, LaneCounts> | null> {
    return this.#inTurn(async () => {
      try {
        // They cannot be listed, too, where somebody has taken a table away.
        const told = await this.#list().catch(() => null);
        if (told !== this.#told) this.#written = null;
        await this.#write();
        if (this.#written === null) return null;
        const counts = await this.#counts();
        this.#note(null);
        return counts;
      } catch (cause) {
        this.#note(cause);
        return null;
      }
    });
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    const wanted = this.#wanted;
    if (isDeepStrictEqual(this.#written, wanted)) return;
    try {
      await this.#writeChange(wanted);
      this.#note(null);
    } catch (cause) {
      this.#note(cause);
    }
  }

  /** Somebody else may have taken away what is to be changed. */
  async #writeChange(wanted: Rules): Promise<void> {
    if (this.#written === null) return this.#writeAll(wanted);
    const change = this.#lanesOf(wanted, this.#written.lanes.length);
    try {
      await this.#run(change, wanted);
    } catch {
      await this.#writeAll(wanted);
    }
  }

  /** Flows that have been taken go on, but are not counted any more towards the limit. */
  async #writeAll(wanted: Rules): Promise<void> {
    await this.#run([writeGuard(), writeTable(this.#terms), this.#lanesOf(wanted, 0)].join('\n'), wanted);
  }

  #lanesOf({ lanes, ending }: Rules, former: number): string {
    return writeLanes(lanes, this.#terms, { former, ids: this.#ids, ending });
  }

  async #run(text: string, rules: Rules): Promise<void> {
    this.#written = null;
    await runTool('nft', ['-f', '-'], text);
    this.#told = await this.#list();
    this.#written = rules;
  }

  /** The rules without what counts. */
  async #list(): Promise<string> {
    const tables = await Promise.all(
      [GUARD, TABLE].map((table) =>
        runTool('nft', ['--stateless', '--terse', 'list', 'table', ...table.split(' ')]),
      ),
    );
    return tables.join('');
  }

  async #counts(): Promise<ReadonlyMap<number, LaneCounts>> {
    const output = await runTool('nft', ['--json', 'list', 'counters', 'table', ...TABLE.split(' ')]);
    const { nftables } = JSON.parse(output) as {
      readonly nftables: readonly { readonly counter?: Counter }[];
    };
    const counts = new Map<number, LaneCounts>();
    for (const { counter } of nftables) {
      const [, what, id] = /^([a-z]+)(\d+)$/.exec(counter?.name ?? '') ?? [];
      if (counter === undefined || what === undefined) continue;
      const known = counts.get(Number(id)) ?? { opened: 0, sent: 0, received: 0 };
      counts.set(Number(id), { ...known, [what]: what === 'opened' ? counter.packets : counter.bytes });
    }
    return counts;
  }

  #note(cause: unknown): void {
    if (cause === null ? this.#trouble !== null : this.#trouble === null) this.#onTrouble(cause);
    this.#trouble = cause;
  }
}
