import type { Config } from '../../config/config.ts';
import { protocolOf } from '../../config/listeners.ts';
import { openDns } from '../../door/dns.ts';
import { forRelays, listenHere } from '../../door/listen.ts';
import { openNameAddresses } from '../../door/name-addresses.ts';
import { tryLanes } from '../../door/open-lanes.ts';
import { messageOf } from '../../lib/message-of.ts';
import { portKey, type Protocol } from '../../lib/protocol.ts';
import { ResolveError } from '../../lib/resolve-error.ts';
import { describeRange, toRuns, withoutPort } from '../../lib/runs.ts';
import type { Log } from '../../log/log.ts';
import { BlackoutFlag } from '../../relay/blackout-flag.ts';
import { ListenError } from '../../relay/relay.ts';

const SILENT: Log = { warn() {}, info() {}, debug() {} };
/** Whoever happens to connect meanwhile is reset. */
const nowhere = async () => {
  throw new ResolveError('the port is only being checked', { isFinal: true });
};

/** A port that cannot be listened on. */
interface Failure {
  readonly protocol: Protocol;
  readonly port: number;
  readonly reason: string;
}

/** Opens the door's own DNS for a moment, where it is to be. Resolves with why it cannot be. */
export function checkDns(config: Config): Promise<readonly string[]> {
  return problemsOf(async () => (await openDns(config, { log: SILENT, onAllowed: () => {} }))?.close());
}

/** Looks whether the kernel could be told what to take, without telling it. Resolves with why it could not. */
export function checkFastLane({ fastLane }: Config): Promise<readonly string[]> {
  return problemsOf(async () => fastLane && (await tryLanes()));
}

/** Takes the addresses of NAME_ADDRESSES for a moment. Resolves with why they cannot be had. */
export function checkNameAddresses(config: Config): Promise<readonly string[]> {
  return problemsOf(async () => (await openNameAddresses(config))?.close());
}

/** Opens ADMIN_PORT for a moment, where there is one. Resolves with why it cannot be. */
export function checkAdmin({ admin }: Config): Promise<readonly string[]> {
  return problemsOf(async () => {
    if (admin === null) return;
    const { openAdmin } = await import('../../control/admin.ts');
    (await openAdmin(admin, {})).close();
  });
}

/** Why what is tried for a moment cannot be. */
async function problemsOf(attempt: () => Promise<unknown>): Promise<readonly string[]> {
  try {
    await attempt();
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

/** Listens on each port for a moment, as the relay would, but for those that a relay holds already. Resolves with why one cannot be. */
export async function checkPorts(config: Config, held: ReadonlySet<string>): Promise<readonly string[]> {
  const openRelay = listenHere(forRelays(config), {
    lookup: nowhere,
    log: SILENT,
    blackoutFlag: new BlackoutFlag(),
    nameAddresses: null,
    onTraffic: () => {},
    onName: () => {},
  });
  const failures = await Promise.all(
    config.listeners.map(async (listener) => {
      const { port } = listener;
      const protocol = protocolOf(listener.kind);
      if (held.has(portKey({ port, protocol }))) return [];
      try {
        const { relay } = await openRelay(listener);
        await relay.drain(AbortSignal.abort());
        return [];
      } catch (error) {
        const reason = error instanceof ListenError ? error.reason : messageOf(error);
        return [{ protocol, port, reason: withoutPort(reason, port) }];
      }
    }),
  );
  const areAlike = (one: Failure, next: Failure) =>
    next.port === one.port + 1 && next.reason === one.reason && next.protocol === one.protocol;
  return toRuns(failures.flat(), areAlike).map((run) => {
    const [{ protocol, port, reason }] = run;
    return `${protocol} ${describeRange(port, run.at(-1)?.port ?? port)} cannot be listened on: ${reason}`;
  });
}
