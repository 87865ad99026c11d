import type { Config } from '../config/config.ts';
import type { Sources } from '../dns/sources.ts';
import type { Relay } from '../relay/relay.ts';
import { type AskedNames, trafficByName } from './asked-names.ts';
import type { LostDatagrams } from './lost-datagrams.ts';
import type { Status } from './protocol.ts';
import type { RecentErrors } from './recent-errors.ts';

/** What knows how the relay is. */
export interface Witnesses {
  readonly sources: Pick<Sources, 'status' | 'counts'>;
  readonly relays: () => readonly Relay[];
  /** Connections or sessions of one that live. */
  readonly liveOf: (relay: Relay) => number;
  readonly errors: Pick<RecentErrors, 'of' | 'refusals'>;
  readonly lost: Pick<LostDatagrams, 'count'>;
  readonly asked: Pick<AskedNames, 'report'>;
  /** The door's own addresses that lead to a name. */
  readonly ownAddresses: (name: string) => readonly string[];
}

/** All that the relay says of itself, but for what the program itself knows. */
export function report(
  { mode, nameCheck, targets, preResolve }: Config,
  { sources, relays, liveOf, errors, lost, asked, ownAddresses }: Witnesses,
): Omit<
  Status,
  | 'version'
  | 'uptime'
  | 'draining'
  | 'blackout'
  | 'linesDropped'
  | 'loops'
  | 'targetFile'
  | 'fastLane'
  | 'dns'
> {
  const lostBy = lost.count();
  const trafficOf = trafficByName(asked.report());
  return {
    mode,
    nameCheck,
    targets,
    preResolve,
    names: sources.status().map((known) => ({
      ...known,
      ...trafficOf(known.name),
      ownAddresses: ownAddresses(known.name),
    })),
    ports: relays().map((relay) => {
      const { protocol, port, waiting, limit, lastFailure } = relay;
      const { opened, refused, unanswered, sent, received } = relay.counts();
      return {
        protocol,
        port,
        live: liveOf(relay),
        waiting,
        limit: limit === Infinity ? null : limit,
        opened,
        refused: Object.values(refused).reduce((sum, count) => sum + count, 0),
        refusedBy: refused,
        unanswered,
        sent,
        received,
        lost: protocol === 'udp' ? (lostBy.get(port) ?? 0) : 0,
        lastFailure,
        errors: errors.of(relay),
      };
    }),
    refusals: errors.refusals(),
  };
}
