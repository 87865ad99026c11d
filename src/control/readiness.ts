import type { Status } from './protocol.ts';

/**
 * Why the relay should get no clients now; empty when it should. That every port listens is not among it: one that no longer does ends the
 * program. Without `preResolve` names are resolved for each connection, and nothing can be told.
 */
export function reasonsNotReady(
  { draining, targets, names }: Pick<Status, 'draining' | 'targets' | 'names'>,
  { preResolve }: { readonly preResolve: boolean },
): readonly string[] {
  const unresolved = names.filter(
    ({ name, addresses }) => preResolve && targets.includes(name) && addresses.length === 0,
  );
  return [
    ...(draining ? ['draining'] : []),
    ...unresolved.map(({ name, problem }) => `${name} has no address: ${problem ?? 'no answer yet'}`),
  ];
}
