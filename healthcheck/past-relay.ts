import type { Config } from '../src/config/config.ts';
import { canonical } from '../src/config/host.ts';
import { hostOf } from '../src/config/probes.ts';
import type { Status } from '../src/control/protocol.ts';
import { listSome } from '../src/lib/list-some.ts';
import { messageOf } from '../src/lib/message-of.ts';
import { tryConnect } from './try-connect.ts';

/**
 * Tells whether a target is reached from here without the relay between, as the kernel's lanes lead to it: the first of TCP that a probe asks, as there are
 * servers that shut out who connects and says nothing. A target that is down is no fault of the door's, so nothing rejects.
 */
export async function describeReach(
  { listeners, probes }: Config,
  { names, fastLane }: Pick<Status, 'names' | 'fastLane'>,
): Promise<readonly string[]> {
  if (fastLane === null) return [];
  const asked = new Set(probes.map(({ url }) => canonical(hostOf(url))));
  const [first] = listeners
    .filter(({ kind }) => kind === 'tcp')
    .flatMap(({ allowed }) =>
      allowed.flatMap((each) => each.names.map((name) => ({ name, port: each.ports[0] ?? 0 }))),
    )
    .flatMap(({ name, port }) =>
      names
        .filter((known) => known.name === name && known.addresses.length > 0 && asked.has(canonical(name)))
        .map(({ addresses }) => ({ name, port, addresses })),
    );
  if (first === undefined) return [];
  const { name, port, addresses } = first;
  const failures = await Promise.all(addresses.map((address) => tryConnect(address, port)));
  return failures.includes(null)
    ? [`${name}:${port} is reached past the relay`]
    : [`${name}:${port} is not reached past the relay: ${listSome(failures.map(messageOf), '; ')}`];
}
