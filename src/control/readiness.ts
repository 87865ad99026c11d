import type { NameStatus } from '../dns/sources.ts';
import { describeBlackout } from './describe-blackout.ts';
import type { Status } from './protocol.ts';

/**
 * Why the relay should get no clients now; empty when it should. That every port listens is not among it: one that no longer does ends the
 * program. Without `preResolve` names are resolved for each connection, and nothing can be told.
 */
export function reasonsNotReady(
  {
    draining,
    blackout,
    targets,
    names,
  }: Pick<Status, 'draining' | 'blackout' | 'targets'> & { readonly names: readonly NameStatus[] },
  { preResolve }: { readonly preResolve: boolean },
): readonly string[] {
  const unresolved = names.filter(
    ({ name, addresses }) => preResolve && targets.includes(name) && addresses.length === 0,
  );
  return [
    ...(draining ? ['draining'] : []),
    ...(blackout.state === 'off' ? [] : [describeBlackout(blackout)]),
    ...unresolved.map(({ name, problem }) => `${name} has no address: ${problem ?? 'no answer yet'}`),
  ];
}
