import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';

import type { Config } from '../../config/config.ts';
import { askedServers } from '../../dns/asked-servers.ts';
import { recordTypes } from '../../dns/ipv6.ts';
import { resolveThrough } from '../../dns/resolve-through.ts';
import { judgeOf } from '../../dns/scope.ts';
import { withDeadline } from '../../lib/deadline.ts';
import { listSome } from '../../lib/list-some.ts';
import { messageOf } from '../../lib/message-of.ts';
import type { Problem } from './problem.ts';

/** What is known of a target that is no wildcard. */
export interface Found {
  readonly target: string;
  /** Those that may be dialled. */
  readonly addresses: readonly LookupAddress[];
  /** Why there are none; null where there are. */
  readonly problem: Problem | null;
  /** What is left out. */
  readonly warnings: readonly string[];
}

type Asked = Pick<Config, 'preResolve' | 'nameservers' | 'scope' | 'connectTimeout'>;

/** Asks for the target's addresses once, as the relay would, and leaves out what TARGET_SCOPE drops. */
export async function findAddresses(target: string, asked: Asked): Promise<Found> {
  const family = isIP(target);
  if (family !== 0) return { target, addresses: [{ address: target, family }], problem: null, warnings: [] };

  const { scope, connectTimeout } = asked;
  const resolve = resolveThrough(askedServers(asked));
  const types = recordTypes({ loopback: scope === 'any' });
  const { signal } = new AbortController();
  try {
    const { records, leftOut } = await withDeadline({ timeout: connectTimeout, signal }, (either) =>
      resolve(target, types, either),
    );
    const judge = judgeOf(scope);
    const addresses = records.filter(({ address }) => judge(address) === null);
    const dropped = records
      .filter((record) => !addresses.includes(record))
      .map(({ address }) => `${address} (${judge(address)})`);
    const scopeWarning = `TARGET_SCOPE=${scope} drops ${listSome(dropped, ', ')} of ${target}`;
    const warnings = [
      ...(dropped.length > 0 ? [scopeWarning] : []),
      ...(leftOut > 0 ? [`${target} has more addresses than are used: ${leftOut} are left out`] : []),
    ];
    return addresses.length === 0
      ? {
          target,
          addresses,
          problem: { text: `${scopeWarning}, and nothing is left`, isConfiguration: true },
          warnings: [],
        }
      : { target, addresses, problem: null, warnings };
  } catch (cause) {
    const text = `${target} cannot be resolved: ${messageOf(cause)}`;
    return { target, addresses: [], problem: { text, isConfiguration: false }, warnings: [] };
  }
}
