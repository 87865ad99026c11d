import { addressMetrics, dnsMetrics, nameMetrics, relayMetrics } from '../metrics.ts';
import type { Setting } from '../setting.ts';
import type { Small } from '../small/small.ts';
import { bars, barsTable } from './bars.ts';
import { comparison } from './comparison.ts';
import { smallTable } from './small-table.ts';
import type { Summaries } from './statistics.ts';

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
  readonly peers: Summaries;
  readonly small: Small | null;
}

/** The results in Markdown. */
export function report(results: Results): string {
  const { peers, small, idle, isWhole } = results;
  const shown = bars(peers, small, idle).filter(({ measured }) => isWhole || measured !== null);
  const all = comparison(peers, { metrics: relayMetrics, baselines: ['haproxy', 'sallyport', 'dnat'] });
  const checked = comparison(peers, {
    metrics: nameMetrics,
    baselines: ['haproxy-http', 'nginx-http', 'names-off'],
  });
  const addressed = comparison(peers, { metrics: addressMetrics, baselines: ['one-name'] });
  const dns = comparison(peers, { metrics: dnsMetrics, baselines: ['dnsmasq', 'unbound'] });
  const sections = [
    describeSetting(results),
    shown.length > 0 && `What the relay has to reach.\n\n${barsTable(shown)}`,
    all && `Medians of the rounds, in brackets the lowest and the highest. Below each, its ratios.\n\n${all}`,
    checked &&
      `The relay with NAME_CHECK=off and with NAME_CHECK=enforce, beside others that read each HTTP request.\n\n${checked}`,
    addressed && `The relay with NAME_ADDRESSES, for one name and for a thousand.\n\n${addressed}`,
    dns && `The relay with DNS=1, beside nameservers that hold the same names.\n\n${dns}`,
    small && `What runs beside every app has to be small.\n\n${smallTable(peers, small)}`,
  ];
  return sections.filter(Boolean).join('\n\n');
}

function describeSetting({ setting, rounds, seconds }: Results): string {
  const { date, commit, kernel, cpu, memory, network, flags, versions } = setting;
  const tools = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `Run of ${date.slice(0, 16).replace('T', ' ')} UTC at ${commit}, on ${network}.`,
    wrap(`Linux ${kernel}, ${cpu}, ${memory}. ${tools.join(', ')}.`),
    `${rounds} rounds in turn, ${seconds} s each; flags: ${flags.join(' ') || 'none'}.`,
  ].join('\n');
}

/** A paragraph in lines of 110 columns at most, as the page's others have. */
function wrap(paragraph: string): string {
  return paragraph.replaceAll(/(.{1,110}) /g, '$1\n');
}

/** The results in JSON: numbers to eight digits, and a line for each peer and metric. */
export function toJson(results: Results): string {
  const round = (_: string, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(8)) : value;
  const innermost = /[[{][^[\]{}]*[\]}]/g;
  const text = JSON.stringify(results, round, 2);
  return `${text.replaceAll(innermost, (lines) => lines.replaceAll(/\s+/g, ' '))}\n`;
}
