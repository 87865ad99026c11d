import { describeRange, toRuns } from '../lib/runs.ts';
import type { Config } from './config.ts';
import { type ListenerKind, protocolOf } from './listeners.ts';

/** Where a listening port leads. */
export interface Route {
  readonly kind: ListenerKind;
  readonly target: string;
  readonly from: number;
  readonly to: number;
}

/** How many runs are listed. */
const SHOWN = 8;

/** Where all ports lead, in the order of the configuration. */
export function routesOf({ rules, listeners }: Pick<Config, 'rules' | 'listeners'>): readonly Route[] {
  const isRelayed = (protocol: ListenerKind) => listeners.some(({ kind }) => kind === protocol);
  const proxy = listeners.find(({ kind }) => kind === 'http-proxy');
  return rules.flatMap(({ names, protocol, ports }) =>
    names.flatMap((target) => [
      ...(isRelayed(protocol)
        ? ports.map(({ listen, target: to }) => ({ kind: protocol, target, from: listen, to }))
        : []),
      ...(proxy !== undefined && protocol === 'tcp'
        ? ports.map(({ target: to }) => ({ kind: proxy.kind, target, from: proxy.port, to }))
        : []),
    ]),
  );
}

/** Whether two routes may be told as one, of a range of ports. */
export function areNeighbours(one: Route, next: Route): boolean {
  return (
    next.to === one.to + 1 &&
    (next.from === one.from + 1 || next.from === one.from) &&
    next.target === one.target &&
    next.kind === one.kind
  );
}

/** A run of neighbours: `8080→app:80`, or `5000-5010→[2001:db8::1]:5000-5010`. */
export function describeRun(first: Route, last: Route, arrow = '→'): string {
  const host = first.target.includes(':') ? `[${first.target}]` : first.target;
  return `${describeRange(first.from, last.from)}${arrow}${host}:${describeRange(first.to, last.to)}`;
}

/** Where all ports lead; of more than eight runs, the rest are counted. Where ports of both protocols are relayed, a number may stand for two. */
export function describeRoutes(config: Pick<Config, 'rules' | 'listeners'>): readonly string[] {
  const isMixed = new Set(config.listeners.map(({ kind }) => protocolOf(kind))).size > 1;
  const runs = toRuns(routesOf(config), areNeighbours).map(([first, ...others]) =>
    describeRun(first, others.at(-1) ?? first, isMixed && first.kind === 'udp' ? '/udp→' : '→'),
  );
  return runs.length <= SHOWN ? runs : [...runs.slice(0, SHOWN), `and ${runs.length - SHOWN} more`];
}
