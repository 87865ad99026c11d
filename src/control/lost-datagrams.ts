import { readSockets } from '../kernel/socket-table.ts';
import type { Protocol } from '../lib/protocol.ts';
import type { Log } from '../log/log.ts';

/** How long after traffic the kernel is asked, in ms. */
const CHECK_AFTER = 10_000;
/** A UDP socket that is not connected, as those that listen are not. */
const UNCONNECTED = '07';

/** A relay that counts what it had no room to send. */
interface Counted {
  readonly protocol: Protocol;
  readonly port: number;
  readonly counts: () => { readonly lost: number };
}

/** Datagrams that came faster than they could be relayed: the kernel threw them away before they were received, or had no room for them to be sent. */
export interface LostDatagrams {
  /** How many, by port, since the ports are listened on. */
  readonly count: () => ReadonlyMap<number, number>;
  /** To be called when there is traffic, at least every `CHECK_AFTER` ms: some time after it, what was lost is logged. */
  readonly onTraffic: () => void;
}

/** Watches the ports of UDP relays. There is no timer while there is no traffic. */
export function watchLostDatagrams(relays: () => readonly Counted[], log: Pick<Log, 'warn'>): LostDatagrams {
  let timer: NodeJS.Timeout | null = null;
  let isBusy = false;
  let said: ReadonlyMap<number, number> = new Map();

  function count(): ReadonlyMap<number, number> {
    const lost = new Map(
      relays()
        .filter(({ protocol }) => protocol === 'udp')
        .map((relay) => [relay.port, relay.counts().lost]),
    );
    if (lost.size === 0) return lost;
    for (const { port, state, drops } of readSockets('udp')) {
      const before = lost.get(port);
      if (before !== undefined && state === UNCONNECTED) lost.set(port, before + drops);
    }
    return lost;
  }

  function check(): void {
    timer = null;
    if (isBusy) start();
    const now = count();
    for (const [port, lost] of now) {
      const more = lost - (said.get(port) ?? 0);
      if (more > 0)
        log.warn(
          { port, protocol: 'udp', lost: more },
          'datagrams lost: they come faster than they can be relayed',
        );
    }
    said = now;
  }

  function start(): void {
    isBusy = false;
    timer = setTimeout(check, CHECK_AFTER).unref();
  }

  return {
    count,
    onTraffic: () => {
      if (timer === null) start();
      else isBusy = true;
    },
  };
}
