import type { PortConfig } from '../config/config.ts';
import { ResolveError } from '../lib/resolve-error.ts';
import { SILENT_LOG } from '../log/log.ts';
import { BlackoutFlag } from '../relay/blackout-flag.ts';
import { listenHere, type RelayConfig } from './listen.ts';

/** Whoever happens to connect meanwhile is reset. */
const nowhere = async () => {
  throw new ResolveError('the port is only being tried', { isFinal: true });
};

/** Makes what listens on a port for a moment, as a relay does that has it alone; it rejects with a ListenError when it cannot. */
export function createTryPort(config: RelayConfig): (port: PortConfig) => Promise<void> {
  const openRelay = listenHere(config, {
    lookup: nowhere,
    log: SILENT_LOG,
    blackoutFlag: new BlackoutFlag(),
    nameAddresses: null,
    onTraffic: () => {},
    onName: () => {},
  });
  return async (port) => {
    const { relay } = await openRelay(port);
    await relay.drain(AbortSignal.abort());
  };
}
