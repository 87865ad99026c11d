import { listSome } from '../lib/list-some.ts';
import { ResolveError } from '../lib/resolve-error.ts';
import type { Scope } from '../lib/target-scope.ts';
import type { Log } from '../log/log.ts';
import { judgeOf } from './scope.ts';

interface Options {
  readonly scope: Scope;
  readonly log: Pick<Log, 'warn'>;
}

/**
 * A filter that leaves the addresses within the scope, and throws a ResolveError when an answer holds none. What it drops is logged with the reason,
 * and not again while the answers stay the same.
 */
export function createScopeFilter({
  scope,
  log,
}: Options): <T extends { readonly address: string }>(name: string, records: readonly T[]) => readonly T[] {
  const judge = judgeOf(scope);
  let lastDropped = '';

  return (name, records) => {
    const judged = records.map((record) => ({ record, reason: judge(record.address) }));
    const outside = judged.flatMap(({ record, reason }) =>
      reason === null ? [] : [`${record.address} (${reason})`],
    );
    const dropped = listSome(outside, ', ');
    if (dropped !== '' && dropped !== lastDropped)
      log.warn({ name, dropped, scope }, 'answers out of TARGET_SCOPE dropped');
    lastDropped = dropped;

    const kept = judged.flatMap(({ record, reason }) => (reason === null ? [record] : []));
    if (kept.length === 0)
      throw new ResolveError(`no address of ${name} is within TARGET_SCOPE=${scope}: ${dropped}`, {
        isFinal: true,
      });
    return kept;
  };
}
