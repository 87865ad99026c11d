import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';

import type { Config } from '../../config/config.ts';
import { withDeadline } from '../../deadline.ts';
import { recordTypes } from '../../dns/ipv6.ts';
import { resolveThrough } from '../../dns/resolve-through.ts';
import { createJudge } from '../../dns/scope.ts';
import { messageOf } from '../../message-of.ts';
import { askedServers } from '../asked-servers.ts';

/** What is known of a target that is no wildcard. */
export interface Found {
  readonly target: string;
  /** Those that may be dialled. */
  readonly addresses: readonly LookupAddress[];
  /** Why there are none; null where there are. */
  readonly problem: string | null;
  /** What is left out; null where nothing is. */
  readonly warning: string | null;
}

type Asked = Pick<Config, 'preResolve' | 'nameservers' | 'scope' | 'connectTimeout'>;

/** Asks for the target's addresses once, as the relay would, and leaves out what TARGET_SCOPE drops. */
export async function findAddresses(target: string, asked: Asked): Promise<Found> {
  const family = isIP(target);
  if (family !== 0) return { target, addresses: [{ address: target, family }], problem: null, warning: null };

  const { scope, connectTimeout } = asked;
  const resolve = resolveThrough(askedServers(asked));
  const types = recordTypes({ loopback: scope === 'any' });
  const { signal } = new AbortController();
  try {
    const { records } = await withDeadline({ timeout: connectTimeout, signal }, (either) =>
      resolve(target, types, either),
    );
    const judge = createJudge(scope);
    const addresses = records.filter(({ address }) => judge(address) === null);
    const dropped = records
      .filter((record) => !addresses.includes(record))
      .map(({ address }) => `${address} (${judge(address)})`)
      .join(', ');
    const warning = dropped === '' ? null : `TARGET_SCOPE=${scope} drops ${dropped} of ${target}`;
    return addresses.length === 0
      ? { target, addresses, problem: `${warning}, and nothing is left`, warning: null }
      : { target, addresses, problem: null, warning };
  } catch (cause) {
    const problem = `${target} cannot be resolved: ${messageOf(cause)}`;
    return { target, addresses: [], problem, warning: null };
  }
}
