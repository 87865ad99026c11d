import { LaneShare } from '../lane/share.ts';
import { portKey } from '../lib/protocol.ts';
import type { Relay } from '../relay/relay.ts';

/** What tells a port from others. */
export type PortOf = Pick<Relay, 'port' | 'protocol'>;

type SlottedPort = PortOf & Pick<Relay, 'slots'>;

interface Port {
  readonly share: LaneShare;
  /** Whether there are lanes for it, where the kernel may have any of its flows. */
  isLaned: boolean;
  /** How many flows of it the kernel may have now; 0: it takes none. */
  limit: number;
  readonly closed: AbortController;
}

interface Options extends Pick<ConstructorParameters<typeof LaneShare>[0], 'watchEnds'> {
  /** Has the kernel go by the limits of now. Resolves when it does so; never rejects. */
  readonly onLimit: () => Promise<void>;
  /** Which part each live flow of a port is counted with; see LaneShare. */
  readonly live: (port: PortOf) => Promise<readonly number[] | null>;
}

/** The kernel's part in the slots of ports, which come and go with the list. */
export class LanePorts {
  readonly #options: Options;
  readonly #ports = new Map<string, Port>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Has the kernel share the slots of these relays, where there are lanes for the port. */
  follow(relays: readonly SlottedPort[], hasLanes: (port: PortOf) => boolean): void {
    const wanted = new Set(relays.map(portKey));
    for (const [key, { closed }] of this.#ports) {
      if (wanted.has(key)) continue;
      closed.abort();
      this.#ports.delete(key);
    }
    for (const relay of relays) {
      const isLaned = hasLanes(relay);
      const port = this.#ports.get(portKey(relay));
      if (port === undefined) this.#open(relay, isLaned);
      else if (port.isLaned !== isLaned) {
        port.isLaned = isLaned;
        port.share.notice();
      }
    }
  }

  /** How many flows of a port the kernel may have now; 0: it takes none. */
  limitOf(port: PortOf): number {
    return this.#ports.get(portKey(port))?.limit ?? 0;
  }

  /** How many slots of a port are held for flows of the kernel. */
  heldOf(port: PortOf): number {
    return this.#ports.get(portKey(port))?.share.held ?? 0;
  }

  /** Shares nothing any more. */
  close(): void {
    for (const { closed } of this.#ports.values()) closed.abort();
  }

  #open(relay: SlottedPort, isLaned: boolean): void {
    const { onLimit, live, watchEnds } = this.#options;
    const share = new LaneShare({
      slots: relay.slots,
      hasLanes: () => port.isLaned,
      onLimit: async (limit) => {
        port.limit = limit;
        await onLimit();
      },
      live: () => live(relay),
      watchEnds,
    });
    const port: Port = { share, isLaned, limit: 0, closed: new AbortController() };
    this.#ports.set(portKey(relay), port);
    void share.run(port.closed.signal);
  }
}
