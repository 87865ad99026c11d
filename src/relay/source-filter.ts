import { createNetworkTest, type Network } from '../lib/networks.ts';
import { unmapped } from '../lib/unmapped.ts';
import type { PortLog } from '../log/log.ts';
import type { Counters } from './counters.ts';
import { endpoint } from './endpoint.ts';
import { logRefusal } from './log-refusal.ts';

/** Whether a client may come in from an address; an unknown one may not. Who may not is counted and logged. */
export type SourceFilter = (address: string | undefined, port: number | undefined) => boolean;

interface Options {
  /** Clients from this address are healthcheck probes: they always may. */
  readonly probeSource: string;
  readonly counters: Counters;
  readonly log: Pick<PortLog, 'warn'>;
  /** A refused source is logged once in so long, in ms; 0 for each time. */
  readonly logInterval: number;
}

/** How many sources are logged in an interval: those of datagrams can be made up. */
const MAX_LOGGED = 100;

/** Lets in who comes from one of the networks, where v4-mapped clients count as IPv4. */
export function createSourceFilter(
  allowed: readonly Network[],
  { probeSource, counters, log, logInterval }: Options,
): SourceFilter {
  const isAllowed = createNetworkTest(allowed);
  const logged = new Set<string>();
  let loggedSince = -Infinity;

  function isNews(source: string): boolean {
    const now = performance.now();
    if (now - loggedSince >= logInterval) {
      logged.clear();
      loggedSince = now;
    }
    if (logged.has(source) || logged.size >= MAX_LOGGED) return false;
    logged.add(source);
    return true;
  }

  return (address = '?', port) => {
    const source = unmapped(address);
    if (isAllowed(source) || source === probeSource) return true;
    counters.refused('source not allowed');
    if (isNews(source)) {
      const message = `${source} is not in ALLOW_FROM`;
      logRefusal(log, endpoint(source, port), { rule: 'source not allowed', asked: null, message });
    }
    return false;
  };
}
