import type { LaneCounts } from '../lane/lanes.ts';
import { NameTable } from '../relay/name-table.ts';
import type { Relay } from '../relay/relay.ts';
import type { Way } from './ways.ts';

interface Options {
  /** As they are now. */
  readonly relays: () => readonly Pick<Relay, 'port' | 'protocol' | 'counters'>[];
  /** Told of each name that is counted from now on. */
  readonly onName: ConstructorParameters<typeof NameTable>[0];
}

const NOTHING: LaneCounts = { opened: 0, sent: 0, received: 0 };

/** Counts what the kernel relays as if the relays of its ports had. */
export class LaneCounters {
  readonly #options: Options;
  readonly #names: NameTable;
  /** What was known last, by the way's id. */
  #last: ReadonlyMap<number, LaneCounts> = new Map();

  constructor(options: Options) {
    this.#options = options;
    this.#names = new NameTable(options.onName);
  }

  /** Notes what the kernel has counted of all ways, by their ids, since its rules were written. */
  note(counts: ReadonlyMap<number, LaneCounts>, ways: readonly Way[]): void {
    for (const way of ways) this.#add(way, moreThan(this.#last.get(way.id), counts.get(way.id)));
    this.#last = counts;
  }

  #add({ host: asked, port, protocol }: Way, { opened, sent, received }: LaneCounts): void {
    if (opened + sent + received === 0) return;
    const relay = this.#options.relays().find((each) => each.port === port && each.protocol === protocol);
    if (relay === undefined) return;
    for (const counters of [relay.counters, this.#names.of({ asked, port, protocol }, 'listed')]) {
      if (opened > 0) counters.opened(opened);
      counters.sent(sent);
      counters.received(received);
    }
  }
}

/** The kernel begins anew where its rules were taken away. */
function moreThan(last = NOTHING, now = NOTHING): LaneCounts {
  const more = (what: keyof LaneCounts) => (now[what] < last[what] ? now[what] : now[what] - last[what]);
  return { opened: more('opened'), sent: more('sent'), received: more('received') };
}
