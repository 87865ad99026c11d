import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';

import { MAX_TIMEOUT } from '../lib/deadline.ts';
import type { Histogram } from '../lib/histogram.ts';
import type { Page } from './admin.ts';
import { type Account, askedText } from './asked-names.ts';
import type { Status } from './protocol.ts';
import type { Witnesses } from './report.ts';

type Labels = Readonly<Record<string, string | number>>;
type Sample = { readonly labels?: Labels; readonly value: number; readonly metricName?: string };

/**
 * Left out of the library's own: of the event loop there is no more than what is measured at a scrape, as a histogram of its delays wakes the
 * process every few ms; gauges whose names are a counter's, which tell the sums of others; and a heap that is all of the address space that V8 has
 * reserved (VmData of proc(5)), many times what the process has.
 */
const LEFT_OUT = [
  ...['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map(
    (what) => `nodejs_eventloop_lag_${what}_seconds`,
  ),
  ...['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`),
  'process_heap_bytes',
];

const MS_PER_SECOND = 1_000;

/**
 * The page of metrics, in Prometheus' text format; all is read when it is asked for.
 *
 * Built into a file of its own, which is loaded where ADMIN_PORT is set: within the relay's bundle the
 * library took 0.9 MB at rest, though never run.
 */
export function createMetrics(
  status: () => Status,
  { sources, relays, asked }: Pick<Witnesses, 'sources' | 'relays' | 'asked'>,
): () => Promise<Page> {
  const registry = new Registry();
  // The event loop's delay is as good as never measured.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: MAX_TIMEOUT });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);

  const define = (
    type: 'counter' | 'gauge' | 'histogram',
    name: string,
    help: string,
    values: (now: Status) => readonly Sample[],
  ) => {
    // The library's own classes count by themselves; a registry takes whatever has a name and tells its values.
    const metric = {
      name,
      get: async () => ({ name, help, type, aggregator: 'sum', values: values(now()) }),
    };
    registry.registerMetric(metric as unknown as Metric);
  };
  const now = oncePerScrape(status);
  const askedFor = oncePerScrape(() => asked.report());
  /** Where ports of both protocols are relayed, a number may stand for two. */
  const labelsOf = ({ port, protocol }: { readonly port: number; readonly protocol: string }): Labels =>
    new Set(relays().map((relay) => relay.protocol)).size > 1 ? { port, protocol } : { port };
  const perPort = (value: (port: Status['ports'][number]) => number) => (each: Status) =>
    each.ports.map((port) => ({ labels: labelsOf(port), value: value(port) }));

  define('gauge', 'sallyport_info', 'Its version and mode; always 1.', ({ version, mode }) => [
    { labels: { version, mode }, value: 1 },
  ]);
  define(
    'gauge',
    'sallyport_blackout',
    '1 while nobody new is let in, as a blackout is on or draining; else 0.',
    ({ blackout }) => [{ value: blackout.state === 'off' ? 0 : 1 }],
  );
  define(
    'gauge',
    'sallyport_target_file_problem',
    '1 while what TARGET_FILE says cannot be used, and an earlier list is in force; else 0.',
    ({ targetFile }) => (targetFile === null ? [] : [{ value: targetFile.problem === null ? 0 : 1 }]),
  );
  define(
    'gauge',
    'sallyport_target_file_timestamp_seconds',
    'Since when the list of TARGET_FILE that is in force has been so, in Unix time.',
    ({ targetFile }) =>
      targetFile === null ? [] : [{ value: Date.parse(targetFile.since) / MS_PER_SECOND }],
  );
  define(
    'counter',
    'sallyport_dns_questions_total',
    "Questions to the door's own DNS: about names that rules allow, names above them, and others, which are refused.",
    ({ dns }) =>
      Object.entries(dns?.questions ?? {}).map(([verdict, value]) => ({ labels: { verdict }, value })),
  );
  define(
    'counter',
    'sallyport_connections_total',
    'TCP connections accepted, or UDP sessions opened, the probes of the healthcheck among them.',
    perPort(({ opened }) => opened),
  );
  define(
    'gauge',
    'sallyport_connections_live',
    'Connections or sessions that hold a slot.',
    perPort(({ live }) => live),
  );
  define(
    'gauge',
    'sallyport_connections_waiting',
    'Clients that wait for a slot.',
    perPort(({ waiting }) => waiting),
  );
  define(
    'gauge',
    'sallyport_connections_limit',
    'Slots; +Inf for no limit.',
    perPort(({ limit }) => limit ?? Infinity),
  );
  define(
    'counter',
    'sallyport_refused_total',
    'Clients that were not let through; a reason is listed once it has occurred.',
    ({ ports }) =>
      ports.flatMap((port) =>
        Object.entries(port.refusedBy).map(([reason, value]) => ({
          labels: { ...labelsOf(port), reason },
          value,
        })),
      ),
  );
  define(
    'counter',
    'sallyport_unanswered_total',
    'Connections or sessions that ended without a byte from the target, though it was sent some, and sessions whose client went on sending unanswered.',
    perPort(({ unanswered }) => unanswered),
  );
  define('counter', 'sallyport_bytes_total', 'Bytes sent to the target, and received from it.', ({ ports }) =>
    ports.flatMap((port) => [
      { labels: { ...labelsOf(port), direction: 'sent' }, value: port.sent },
      { labels: { ...labelsOf(port), direction: 'received' }, value: port.received },
    ]),
  );
  define(
    'counter',
    'sallyport_datagrams_lost_total',
    'Datagrams that came faster than they could be relayed (UDP).',
    ({ ports, ...each }) =>
      perPort(({ lost }) => lost)({ ...each, ports: ports.filter(({ protocol }) => protocol === 'udp') }),
  );
  define(
    'counter',
    'sallyport_log_lines_dropped_total',
    'Log lines left out: beyond the budget, or while standard output could not be written.',
    ({ linesDropped }) =>
      Object.entries(linesDropped).map(([reason, value]) => ({ labels: { reason }, value })),
  );
  /** Those for which there is no room have no port. */
  const perName = (samplesOf: (account: Account, labels: Labels) => readonly Sample[]) => () => [
    ...askedFor().names.flatMap((each) => samplesOf(each, { name: askedText(each), ...labelsOf(each) })),
    ...(askedFor().others.times > 0 ? samplesOf(askedFor().others, { name: 'others' }) : []),
  ];
  define(
    'counter',
    'sallyport_name_connections_total',
    'Connections to a name, or UDP sessions, that were begun; of more than 1,000 names, others are counted together.',
    perName(({ connections }, labels) => (connections === 0 ? [] : [{ labels, value: connections }])),
  );
  define(
    'counter',
    'sallyport_name_bytes_total',
    'Bytes sent to the target of a name, and received from it.',
    perName(({ connections, sent, received }, labels) =>
      connections === 0
        ? []
        : [
            { labels: { ...labels, direction: 'sent' }, value: sent },
            { labels: { ...labels, direction: 'received' }, value: received },
          ],
    ),
  );
  define(
    'counter',
    'sallyport_name_refused_total',
    'How often a name was asked for and not let through, by the rule.',
    perName(({ outcomes }, labels) =>
      outcomes.flatMap(({ decision, rule, times }) =>
        decision === 'refused' && rule !== null ? [{ labels: { ...labels, rule }, value: times }] : [],
      ),
    ),
  );
  define(
    'histogram',
    'sallyport_connect_seconds',
    'Time to connect to the target, name lookup included (TCP).',
    () =>
      relays().flatMap((relay) =>
        relay.protocol === 'udp'
          ? []
          : samples('sallyport_connect_seconds', relay.counts().connect, labelsOf(relay)),
      ),
  );
  define(
    'histogram',
    'sallyport_dns_lookup_seconds',
    'Time of name lookups, also of those that failed.',
    () => samples('sallyport_dns_lookup_seconds', sources.counts().times),
  );
  define('counter', 'sallyport_dns_failures_total', 'Name lookups without an answer.', () => [
    { value: sources.counts().failures },
  ]);
  define(
    'gauge',
    'sallyport_dns_problem',
    '1 while a name cannot be resolved, though earlier addresses may be in use; else 0.',
    ({ preResolve, names }) =>
      preResolve
        ? names.map(({ name, problem }) => ({ labels: { name }, value: problem === null ? 0 : 1 }))
        : [],
  );
  define('gauge', 'sallyport_dns_answer_age_seconds', 'Age of the newest answer for a name.', ({ names }) =>
    names.flatMap(({ name, age }) => (age === null ? [] : { labels: { name }, value: age })),
  );
  define('gauge', 'sallyport_dns_answer_ttl_seconds', 'TTL of the newest answer for a name.', ({ names }) =>
    names.flatMap(({ name, ttl }) => (ttl === null ? [] : { labels: { name }, value: ttl })),
  );
  return async () => ({ status: 200, type: registry.contentType, text: await registry.metrics() });
}

/** Reads once for all the metrics of a scrape, which are read in the same turn. */
function oncePerScrape<T extends object>(read: () => T): () => T {
  let current: T | null = null;
  return () => {
    if (current === null) {
      current = read();
      queueMicrotask(() => (current = null));
    }
    return current;
  };
}

/** A histogram as Prometheus wants it: buckets that each hold what is in the smaller ones too. */
function samples(name: string, { count, sum, upTo }: Histogram, labels: Labels = {}): readonly Sample[] {
  return [
    ...upTo.map(([le, value]) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value })),
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
