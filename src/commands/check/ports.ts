import type { Config } from '../../config/config.ts';
import { forRelays, listen } from '../../door/listen.ts';
import { messageOf } from '../../lib/message-of.ts';
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

/** Opens ADMIN_PORT for a moment, where there is one. Resolves with why it cannot be. */
export async function checkAdmin({ admin }: Config): Promise<readonly string[]> {
  if (admin === null) return [];
  try {
    const { openAdmin } = await import('../../control/admin.ts');
    (await openAdmin(admin, {})).close();
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

/** Listens on each port for a moment, as the relay would, but for those that a relay holds already. Resolves with why one cannot be. */
export async function checkPorts(config: Config, held: ReadonlySet<number>): Promise<readonly string[]> {
  const pairs = new Map(config.ports.map((pair) => [pair.listen, pair])).values();
  const failures = await Promise.all(
    [...pairs]
      .filter((pair) => !held.has(pair.listen))
      .map(async (pair) => {
        try {
          const relays = await listen(forRelays({ ...config, ports: [pair] }), {
            lookup: nowhere,
            log: SILENT,
            blackoutFlag: new BlackoutFlag(),
            onTraffic: () => {},
          });
          await Promise.all(relays.map((relay) => relay.drain(AbortSignal.abort())));
          return [];
        } catch (error) {
          const reason = error instanceof ListenError ? error.reason : messageOf(error);
          return [{ port: pair.listen, reason: withoutPort(reason, pair.listen) }];
        }
      }),
  );
  const protocol = config.mode === 'udp' ? 'udp' : 'tcp';
  return toRuns(failures.flat(), (one, next) => next.port === one.port + 1 && next.reason === one.reason).map(
    (run) => {
      const [{ port, reason }] = run;
      return `${protocol} ${describeRange(port, run.at(-1)?.port ?? port)} cannot be listened on: ${reason}`;
    },
  );
}
