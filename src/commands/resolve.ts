import { isIP } from 'node:net';

import { type Config, parseConfig } from '../config/config.ts';
import { isWildcard } from '../config/targets.ts';
import { askedServers } from '../dns/asked-servers.ts';
import { recordTypes } from '../dns/ipv6.ts';
import { resolveThrough } from '../dns/resolve-through.ts';
import type { AddressRecord } from '../dns/resolver.ts';
import { judgeOf } from '../dns/scope.ts';
import type { Command, Io } from '../lib/arguments.ts';
import { messageOf } from '../lib/message-of.ts';

type Asked = Pick<Config, 'targets' | 'preResolve' | 'nameservers' | 'scope'>;

/** For one nameserver, all its questions included, in ms. */
const TIMEOUT = 10_000;

/** Its exit code is 1 where there is nothing to dial for one of the targets. */
export const resolve: Command = {
  name: 'resolve',
  summary: 'ask each nameserver as the relay would, and show what it says and what TARGET_SCOPE drops',
  options: {},
  run: async (_asked, { environment, print }) =>
    (await resolveTargets(parseConfig(environment), print)) ? 0 : 1,
};

async function resolveTargets({ targets, ...asked }: Asked, print: Io['print']): Promise<boolean> {
  let isComplete = true;
  for (const target of targets) {
    if (isIP(target) !== 0) print(`TARGET is the address ${target}: it is dialled as it is`);
    else if (isWildcard(target)) print(`${target}: a name below it is resolved when a client asks for it`);
    else isComplete = (await resolveTarget(target, asked, print)) && isComplete;
  }
  return isComplete;
}

async function resolveTarget(
  target: string,
  { preResolve, nameservers, scope }: Omit<Asked, 'targets'>,
  print: Io['print'],
): Promise<boolean> {
  const judge = judgeOf(scope);
  const types = recordTypes({ loopback: scope === 'any' });
  const servers = askedServers({ preResolve, nameservers });
  print(`${target} ${types.join(' and ')}, PRE_RESOLVE=${preResolve ? 1 : 0}, TARGET_SCOPE=${scope}`);

  const describe = ({ address, ttl }: AddressRecord): string => {
    const reason = judge(address);
    return `  ${address.padEnd(39)} TTL ${ttl} s${reason === null ? '' : `, dropped: ${reason}`}`;
  };
  const replies = await Promise.all(
    servers.map(async (server) => {
      try {
        const { records, leftOut } = await resolveThrough([server])(
          target,
          types,
          AbortSignal.timeout(TIMEOUT),
        );
        const more = leftOut > 0 ? [`  and ${leftOut} more, left out`] : [];
        return { server, records, lines: [...records.map(describe), ...more] };
      } catch (cause) {
        return {
          server,
          records: [],
          lines: [`  ${messageOf(cause)}`],
        };
      }
    }),
  );
  for (const { server, lines } of replies) print(server.text, ...lines);

  const used = replies.find(({ records }) => records.length > 0);
  const dialled =
    used?.records.map(({ address }) => address).filter((address) => judge(address) === null) ?? [];
  print(
    dialled.length > 0
      ? `The relay dials ${dialled.join(', ')} (by ${used?.server.text ?? ''}).`
      : 'The relay has nothing to dial.',
  );
  return dialled.length > 0;
}
