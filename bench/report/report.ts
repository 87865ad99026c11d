import type { Sample } from '../metrics.ts';
import { isNamed, type Peer } from '../peers/peer.ts';
import type { Setting } from '../setting.ts';
import type { Small } from '../small/small.ts';
import { bars, barsTable } from './bars.ts';
import { comparison } from './comparison.ts';
import { smallTable } from './small-table.ts';

/** All that a run has found. */
export interface Results {
  readonly setting: Setting;
  /** Whether all peers and loads have taken part; else the bars that were not measured are left out. */
  readonly isWhole: boolean;
  readonly rounds: number;
  /** How long a run lasted, in s. */
  readonly seconds: number;
  /** How many connections idled. */
  readonly idle: number;
  readonly samples: readonly Sample[];
  readonly small: Small | null;
}

/** The results in Markdown. */
export function report(results: Results, peers: readonly Peer[]): string {
  const { samples, small, idle, isWhole } = results;
  const shown = bars(samples, small, idle).filter(({ measured }) => isWhole || measured !== null);
  const namesOf = (some: readonly Peer[]) => some.map(({ name }) => name);
  const all = comparison(samples, {
    peers: namesOf(peers.filter((peer) => !isNamed(peer))),
    baselines: ['haproxy', 'sallyport'],
  });
  const named = comparison(samples, {
    peers: namesOf(peers.filter(isNamed)),
    baselines: ['haproxy-http', 'nginx-http', 'names-off'],
  });
  const sections = [
    describeSetting(results),
    shown.length > 0 && `What the relay has to reach.\n\n${barsTable(shown)}`,
    all && `Medians of the rounds, in brackets the lowest and the highest. Below each, its ratios.\n\n${all}`,
    named &&
      `The relay with NAME_CHECK=off and with NAME_CHECK=enforce, beside others that read each HTTP request.\n\n${named}`,
    small && `What runs beside every app has to be small.\n\n${smallTable(samples, small)}`,
  ];
  return sections.filter(Boolean).join('\n\n');
}

function describeSetting({ setting, rounds, seconds }: Results): string {
  const { date, commit, kernel, cpu, memory, network, flags, versions } = setting;
  const tools = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `Run of ${date.slice(0, 16).replace('T', ' ')} UTC at ${commit}, on ${network}.`,
    `Linux ${kernel}, ${cpu}, ${memory}. ${tools.join(', ')}.`,
    `${rounds} rounds in turn, ${seconds} s each; flags: ${flags.join(' ') || 'none'}.`,
  ].join('\n');
}
