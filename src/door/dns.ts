import type { Config } from '../config/config.ts';
import { DNS_PORT } from '../config/read-listeners.ts';
import { PROBE_SOURCE, type Status } from '../control/protocol.ts';
import type { Names } from '../dns-server/knowledge.ts';
import type { Standing } from '../lib/standing.ts';
import type { Log } from '../log/log.ts';
import { Counters } from '../relay/counters.ts';
import type { AskedAt } from '../relay/name-counters.ts';
import { Zone } from './zone.ts';

interface Deps {
  readonly log: Log;
  /** Told of each question about a name that is allowed, and how. */
  readonly onAllowed: (at: AskedAt, standing: Standing) => void;
  /** See Names. */
  readonly addressesOf?: Names['addressesOf'];
}

/** The door's own nameserver. */
export interface OwnDns {
  /** Goes by these names from now on. */
  readonly follow: (config: Pick<Config, 'targets'>) => void;
  readonly port: number;
  /** How many there were, by what it made of the names. */
  readonly questions: () => NonNullable<Status['dns']>['questions'];
  /** Rejects with a ListenError when a listener dies; never resolves. */
  readonly failed: Promise<never>;
  readonly close: () => void;
}

/** Answers DNS questions about names that rules allow, in this thread. Rejects with a ListenError when it cannot listen; null where DNS is off. */
export async function openDns(config: Config, { log, onAllowed, addressesOf }: Deps): Promise<OwnDns | null> {
  const { bind, allowFrom, dns } = config;
  if (dns === null) return null;
  // What is not needed is not loaded.
  const { listenDns } = await import('../dns-server/listen.ts');
  const { openUdpSockets } = await import('../relay/udp/sockets.ts');
  let zone = new Zone(config);
  const counted = { allowed: 0, above: 0, unknown: 0 };
  const { port, failed, close } = await listenDns({
    port: DNS_PORT,
    sharesPort: false,
    bind,
    allowFrom,
    answers: dns.answers,
    names: {
      judge(name) {
        const judgement = zone.judge(name);
        counted[judgement.verdict]++;
        if (judgement.verdict === 'allowed')
          onAllowed({ asked: name, port: DNS_PORT, protocol: 'dns' }, judgement.standing);
        return judgement.verdict;
      },
      isThere: (name) => zone.isThere(name),
      addressesOf,
    },
    sockets: await openUdpSockets(log),
    bare: true,
    probeSource: PROBE_SOURCE,
    counters: new Counters(),
    log,
  });
  return {
    follow(next) {
      zone = new Zone(next);
    },
    port,
    questions: () => ({ ...counted }),
    failed,
    close,
  };
}
