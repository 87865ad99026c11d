import type { MetricId } from '../metrics.ts';
import type { Small } from '../small/small.ts';
import type { Summaries } from './statistics.ts';
import { digits, markdownTable } from './table.ts';

/** What the relay has to reach. */
export interface Bar {
  readonly what: string;
  readonly sense: 'at least' | 'at most';
  readonly limit: number;
  readonly unit: string;
  /** Null where it was not measured. */
  readonly measured: number | null;
}

/** "In the same time" as far as two medians of a noisy machine can tell. */
const SAME_TIME = 1.2;
/** Of a connection, as far as two looks at a process can tell, in KB. */
const NOTHING = 0.1;
const MEBI = 2 ** 20;

/** All bars, with what was measured. */
export function bars(summaries: Summaries, small: Small | null, idle: number): readonly Bar[] {
  const median = (peer: string, metric: MetricId) => summaries[peer]?.[metric]?.median ?? null;
  const quotient = (a: number | null, b: number | null) =>
    a === null || b === null || b === 0 ? null : a / b;
  const against = (metric: MetricId, peer: string) =>
    quotient(median('sallyport', metric), median(peer, metric));
  const checked = (metric: MetricId, peer = 'names-off') =>
    quotient(median('names-enforce', metric), median(peer, metric));

  const atLeast = (what: string, limit: number, measured: number | null): Bar => ({
    what,
    sense: 'at least',
    limit,
    unit: '×',
    measured,
  });
  const atMost = (what: string, limit: number, measured: number | null, unit = '×'): Bar => ({
    what,
    sense: 'at most',
    limit,
    unit,
    measured,
  });
  const lane = (metric: MetricId, peer: string) =>
    quotient(median('fast-lane', metric), median(peer, metric));
  const image = small?.image ?? null;

  return [
    ...(['upload', 'download'] as const).flatMap((way) => [
      atLeast(`bulk ${way}, of HAProxy's`, 1.2, against(way, 'haproxy')),
      atLeast(`bulk ${way}, of nginx's`, 1.2, against(way, 'nginx')),
      atLeast(`bulk ${way}, of socat's`, 3.5, against(way, 'socat')),
      atMost(`CPU per GB, ${way}, of HAProxy's`, 0.8, against(`${way}Cpu`, 'haproxy')),
    ]),
    atLeast("small round trips a second, of HAProxy's", 1, against('roundTrips', 'haproxy')),
    atMost("small round trips, p99, of HAProxy's", 1.2, against('roundTripsP99', 'haproxy')),
    atLeast("new connections a second, of HAProxy's", 0.75, against('connections', 'haproxy')),
    atLeast("new connections a second, of socat's", 3, against('connections', 'socat')),
    atLeast("UDP datagrams a second, of nginx's", 1.2, against('datagrams', 'nginx')),
    atLeast("UDP datagrams a second, of socat's", 1.2, against('datagrams', 'socat')),
    ...(
      [
        ['bulk upload', 'upload', 2],
        ['bulk download', 'download', 2],
        ['small round trips', 'roundTrips', 1.7],
        ['new connections', 'connections', 1.2],
      ] as const
    ).flatMap(([what, metric, ofHaproxy]) => [
      atLeast(`FAST_LANE, ${what}, of DNAT's by nftables alone`, 0.95, lane(metric, 'dnat')),
      atLeast(`FAST_LANE, ${what}, of HAProxy's`, ofHaproxy, lane(metric, 'haproxy')),
    ]),
    atLeast("FAST_LANE, UDP datagrams, of DNAT's by nftables alone", 0.95, lane('datagrams', 'dnat')),
    atLeast("FAST_LANE, UDP datagrams, of nginx's", 2.5, lane('datagrams', 'nginx')),
    atMost('FAST_LANE, memory per idle connection', NOTHING, median('fast-lane', 'idleMemory'), 'KB'),
    atLeast(
      "new connections to one of 1,000 names' addresses, of one name's",
      0.98,
      quotient(median('thousand-names', 'addressedConnections'), median('one-name', 'addressedConnections')),
    ),
    atLeast("DNS answers a second, of dnsmasq's", 0.5, against('dnsAnswers', 'dnsmasq')),
    atMost("DNS answers, p99, of dnsmasq's", 2, against('dnsP99', 'dnsmasq')),
    atMost(
      `memory per idle connection, of ${idle.toLocaleString('en')}`,
      20,
      median('sallyport', 'idleMemory'),
      'KB',
    ),
    atMost(
      'time to open 100 more with all idle, of that with none idle',
      SAME_TIME,
      quotient(median('sallyport', 'openIdle'), median('sallyport', 'openNone')),
    ),
    atMost('memory at rest, docker stats', 14, image && image.rest / MEBI, 'MiB'),
    atMost(`CPU at rest, over ${small?.restSeconds ?? 0} s`, 0.05, small && small.restCpu, '%'),
    atMost('start to listening', 120, median('sallyport', 'startup'), 'ms'),
    atMost('CPU of a healthcheck without probes', 80, small && small.healthcheckCpu, 'ms'),
    atLeast(
      "kept-alive requests, HTTP Host checked, of HAProxy's",
      0.85,
      checked('namedRoundTrips', 'haproxy-http'),
    ),
    atLeast(
      "kept-alive requests, HTTP Host checked, of nginx's",
      0.85,
      checked('namedRoundTrips', 'nginx-http'),
    ),
    atMost(
      'CPU for a kept-alive request, HTTP Host checked',
      30,
      median('names-enforce', 'namedRoundTripsCpu'),
      'µs',
    ),
    atLeast('new connections, HTTP Host checked, of unchecked', 0.85, checked('namedConnections')),
    atLeast(
      "new connections, HTTP Host checked, of HAProxy's",
      0.8,
      checked('namedConnections', 'haproxy-http'),
    ),
    atLeast('new connections, TLS name checked, of unchecked', 0.85, checked('helloConnections')),
    atLeast('bulk upload of an HTTP body, checked, of unchecked', 0.95, checked('namedUpload')),
    atLeast('bulk download of an HTTP body, checked, of unchecked', 0.95, checked('namedDownload')),
    atLeast('bulk upload after a TLS hello, checked, of unchecked', 0.95, checked('helloUpload')),
    atLeast('bulk download after a TLS hello, checked, of unchecked', 0.95, checked('helloDownload')),
  ];
}

/** Null where it was not measured. */
function isMet({ sense, limit, measured }: Bar): boolean | null {
  if (measured === null) return null;
  return sense === 'at least' ? measured >= limit : measured <= limit;
}

export function barsTable(all: readonly Bar[]): string {
  const rows = all.map((bar) => {
    const { what, sense, limit, unit, measured } = bar;
    const verdict = { true: 'met', false: '**not met**', null: 'not measured' }[`${isMet(bar)}`];
    const value = (number: number) => (unit === '×' ? `${number.toFixed(2)} ×` : `${digits(number)} ${unit}`);
    return [what, `${sense} ${value(limit)}`, measured === null ? '–' : value(measured), verdict];
  });
  return markdownTable([['', 'bar', 'measured', ''], ...rows]);
}
