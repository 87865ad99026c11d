import { describeRange, toRuns } from '../lib/runs.ts';
import type { PortPair } from './ports.ts';

/** Where a listening port leads. */
export interface Route {
  readonly target: string;
  readonly from: number;
  readonly to: number;
}

/** How many runs are listed. */
const SHOWN = 8;

/** Whether two routes may be told as one, of a range of ports. */
export function areNeighbours(one: Route, next: Route): boolean {
  return (
    next.to === one.to + 1 &&
    (next.from === one.from + 1 || next.from === one.from) &&
    next.target === one.target
  );
}

/** A run of neighbours: `8080→app:80`, or `5000-5010→[2001:db8::1]:5000-5010`. */
export function describeRun(first: Route, last: Route, arrow = '→'): string {
  const host = first.target.includes(':') ? `[${first.target}]` : first.target;
  return `${describeRange(first.from, last.from)}${arrow}${host}:${describeRange(first.to, last.to)}`;
}

/** Where all ports lead, in the order of the configuration; of more than eight runs, the rest are counted. */
export function describeRoutes(targets: readonly string[], ports: readonly PortPair[]): readonly string[] {
  const routes = targets.flatMap((target) =>
    ports.map((pair) => ({ target, from: pair.listen, to: pair.target })),
  );
  const runs = toRuns(routes, areNeighbours).map((run) => describeRun(run[0], run.at(-1) ?? run[0]));
  return runs.length <= SHOWN ? runs : [...runs.slice(0, SHOWN), `and ${runs.length - SHOWN} more`];
}
