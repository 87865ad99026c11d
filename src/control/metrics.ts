import { collectDefaultMetrics, type Metric as LibraryMetric, Registry } from 'prom-client';

import { MAX_TIMEOUT } from '../lib/deadline.ts';
import type { Histogram } from '../lib/histogram.ts';
import type { Relay } from '../relay/relay.ts';
import type { Page } from './admin.ts';
import { type Account, askedText, type AskedReport } from './asked-names.ts';
import type { Status } from './protocol.ts';
import type { Witnesses } from './report.ts';

type Labels = Readonly<Record<string, string | number>>;
type Port = Status['ports'][number];
type Asked = Pick<Witnesses, 'sources' | 'relays' | 'asked'>;

interface Sample {
  readonly labels?: Labels;
  readonly value: number;
  /** Behind the metric's name, as the samples of a histogram have one. */
  readonly suffix?: string;
}

/** What all metrics of a scrape are read from. */
interface Scrape {
  readonly status: Status;
  readonly asked: AskedReport;
  readonly relays: readonly Relay[];
  readonly lookups: ReturnType<Witnesses['sources']['counts']>;
  /** Where ports of both protocols are relayed, a number may stand for two. */
  readonly labelsOf: (port: { readonly port: number; readonly protocol: string }) => Labels;
}

interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly values: (scrape: Scrape) => readonly Sample[];
}

const MS_PER_SECOND = 1_000;

/** In the order of the page, behind the library's own. */
const METRICS: readonly Metric[] = [
  {
    type: 'gauge',
    name: 'sallyport_info',
    help: 'Its version and mode; always 1.',
    values: ({ status: { version, mode } }) => [{ labels: { version, mode }, value: 1 }],
  },
  {
    type: 'gauge',
    name: 'sallyport_blackout',
    help: '1 while nobody new is let in, as a blackout is on or draining; else 0.',
    values: ({ status: { blackout } }) => [{ value: blackout.state === 'off' ? 0 : 1 }],
  },
  {
    type: 'gauge',
    name: 'sallyport_target_file_problem',
    help: '1 while what TARGET_FILE says cannot be used, and an earlier list is in force; else 0.',
    values: ({ status: { targetFile } }) =>
      targetFile === null ? [] : [{ value: targetFile.problem === null ? 0 : 1 }],
  },
  {
    type: 'gauge',
    name: 'sallyport_target_file_timestamp_seconds',
    help: 'Since when the list of TARGET_FILE that is in force has been so, in Unix time.',
    values: ({ status: { targetFile } }) =>
      targetFile === null ? [] : [{ value: Date.parse(targetFile.since) / MS_PER_SECOND }],
  },
  {
    type: 'counter',
    name: 'sallyport_dns_questions_total',
    help: "Questions to the door's own DNS: about names that rules allow, names above them, and others, which are refused.",
    values: ({ status: { dns } }) =>
      Object.entries(dns?.questions ?? {}).map(([verdict, value]) => ({ labels: { verdict }, value })),
  },
  {
    type: 'counter',
    name: 'sallyport_connections_total',
    help: 'TCP connections accepted, or UDP sessions opened, the probes of the healthcheck among them.',
    values: perPort(({ opened }, labels) => [{ labels, value: opened }]),
  },
  {
    type: 'gauge',
    name: 'sallyport_connections_live',
    help: 'Connections or sessions that hold a slot.',
    values: perPort(({ live }, labels) => [{ labels, value: live }]),
  },
  {
    type: 'gauge',
    name: 'sallyport_connections_waiting',
    help: 'Clients that wait for a slot.',
    values: perPort(({ waiting }, labels) => [{ labels, value: waiting }]),
  },
  {
    type: 'gauge',
    name: 'sallyport_connections_limit',
    help: 'Slots; +Inf for no limit.',
    values: perPort(({ limit }, labels) => [{ labels, value: limit ?? Infinity }]),
  },
  {
    type: 'counter',
    name: 'sallyport_refused_total',
    help: 'Clients that were not let through; a reason is listed once it has occurred.',
    values: perPort(({ refusedBy }, labels) =>
      Object.entries(refusedBy).map(([reason, value]) => ({ labels: { ...labels, reason }, value })),
    ),
  },
  {
    type: 'counter',
    name: 'sallyport_unanswered_total',
    help: 'Connections or sessions that ended without a byte from the target, though it was sent some, and sessions whose client went on sending unanswered.',
    values: perPort(({ unanswered }, labels) => [{ labels, value: unanswered }]),
  },
  {
    type: 'counter',
    name: 'sallyport_bytes_total',
    help: 'Bytes sent to the target, and received from it.',
    values: perPort(bytesEachWay),
  },
  {
    type: 'counter',
    name: 'sallyport_datagrams_lost_total',
    help: 'Datagrams that came faster than they could be relayed (UDP).',
    values: perPort(({ protocol, lost }, labels) => (protocol === 'udp' ? [{ labels, value: lost }] : [])),
  },
  {
    type: 'counter',
    name: 'sallyport_log_lines_dropped_total',
    help: 'Log lines left out: beyond the budget, or while standard output could not be written.',
    values: ({ status: { linesDropped } }) =>
      Object.entries(linesDropped).map(([reason, value]) => ({ labels: { reason }, value })),
  },
  {
    type: 'counter',
    name: 'sallyport_name_connections_total',
    help: 'Connections to a name, or UDP sessions, that were begun; of more than 1,000 names, others are counted together.',
    values: perName(({ connections }, labels) => (connections === 0 ? [] : [{ labels, value: connections }])),
  },
  {
    type: 'counter',
    name: 'sallyport_name_bytes_total',
    help: 'Bytes sent to the target of a name, and received from it.',
    values: perName((account, labels) => (account.connections === 0 ? [] : bytesEachWay(account, labels))),
  },
  {
    type: 'counter',
    name: 'sallyport_name_refused_total',
    help: 'How often a name was asked for and not let through, by the rule.',
    values: perName(({ outcomes }, labels) =>
      outcomes.flatMap(({ decision, rule, times }) =>
        decision === 'refused' && rule !== null ? [{ labels: { ...labels, rule }, value: times }] : [],
      ),
    ),
  },
  {
    type: 'histogram',
    name: 'sallyport_connect_seconds',
    help: 'Time to connect to the target, name lookup included (TCP).',
    values: ({ relays, labelsOf }) =>
      relays.flatMap((relay) =>
        relay.protocol === 'udp' ? [] : buckets(relay.counts().connect, labelsOf(relay)),
      ),
  },
  {
    type: 'histogram',
    name: 'sallyport_dns_lookup_seconds',
    help: 'Time of name lookups, also of those that failed.',
    values: ({ lookups }) => buckets(lookups.times),
  },
  {
    type: 'counter',
    name: 'sallyport_dns_failures_total',
    help: 'Name lookups without an answer.',
    values: ({ lookups }) => [{ value: lookups.failures }],
  },
  {
    type: 'gauge',
    name: 'sallyport_dns_problem',
    help: '1 while a name cannot be resolved, though earlier addresses may be in use; else 0.',
    values: ({ status: { preResolve, names } }) =>
      preResolve
        ? names.map(({ name, problem }) => ({ labels: { name }, value: problem === null ? 0 : 1 }))
        : [],
  },
  {
    type: 'gauge',
    name: 'sallyport_dns_answer_age_seconds',
    help: 'Age of the newest answer for a name.',
    values: ({ status: { names } }) =>
      names.flatMap(({ name, age }) => (age === null ? [] : { labels: { name }, value: age })),
  },
  {
    type: 'gauge',
    name: 'sallyport_dns_answer_ttl_seconds',
    help: 'TTL of the newest answer for a name.',
    values: ({ status: { names } }) =>
      names.flatMap(({ name, ttl }) => (ttl === null ? [] : { labels: { name }, value: ttl })),
  },
];

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

/**
 * The page of metrics, in Prometheus' text format; all is read when it is asked for.
 *
 * Built into a file of its own, which is loaded where ADMIN_PORT is set: within the relay's bundle the
 * library took 0.9 MB at rest, though never run.
 */
export function createMetrics(status: () => Status, witnesses: Asked): () => Promise<Page> {
  const registry = new Registry();
  // The event loop's delay is as good as never measured.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: MAX_TIMEOUT });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  const scrape = oncePerScrape(() => readAll(status, witnesses));
  for (const metric of METRICS) registry.registerMetric(forLibrary(metric, scrape));
  return async () => ({ status: 200, type: registry.contentType, text: await registry.metrics() });
}

/** The library's own classes count by themselves; a registry takes whatever has a name and tells its values. */
function forLibrary({ type, name, help, values }: Metric, scrape: () => Scrape): LibraryMetric {
  const read = () =>
    values(scrape()).map(({ suffix = '', ...sample }) => ({ ...sample, metricName: `${name}${suffix}` }));
  const metric = { name, get: async () => ({ name, help, type, aggregator: 'sum', values: read() }) };
  return metric as unknown as LibraryMetric;
}

function readAll(status: () => Status, { sources, relays, asked }: Asked): Scrape {
  const all = relays();
  const areOfBoth = new Set(all.map(({ protocol }) => protocol)).size > 1;
  return {
    status: status(),
    asked: asked.report(),
    relays: all,
    lookups: sources.counts(),
    labelsOf: ({ port, protocol }) => (areOfBoth ? { port, protocol } : { port }),
  };
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

function perPort(samplesOf: (port: Port, labels: Labels) => readonly Sample[]): Metric['values'] {
  return ({ status, labelsOf }) => status.ports.flatMap((port) => samplesOf(port, labelsOf(port)));
}

/** Of each name that was asked for, and of those together for which there is no room: they have no port. */
function perName(samplesOf: (account: Account, labels: Labels) => readonly Sample[]): Metric['values'] {
  return ({ asked: { names, others }, labelsOf }) => [
    ...names.flatMap((each) => samplesOf(each, { name: askedText(each), ...labelsOf(each) })),
    ...(others.times > 0 ? samplesOf(others, { name: 'others' }) : []),
  ];
}

function bytesEachWay(
  { sent, received }: Pick<Account, 'sent' | 'received'>,
  labels: Labels,
): readonly Sample[] {
  return [
    { labels: { ...labels, direction: 'sent' }, value: sent },
    { labels: { ...labels, direction: 'received' }, value: received },
  ];
}

/** A histogram as Prometheus wants it: buckets that each hold what is in the smaller ones too. */
function buckets({ count, sum, upTo }: Histogram, labels: Labels = {}): readonly Sample[] {
  return [
    ...upTo.map(([le, value]) => ({ suffix: '_bucket', labels: { ...labels, le }, value })),
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: sum },
    { suffix: '_count', labels, value: count },
  ];
}
