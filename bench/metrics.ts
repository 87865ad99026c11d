interface Metric {
  readonly title: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
}

const more = (title: string, unit: string): Metric => ({ title, unit, better: 'more' });
const less = (title: string, unit: string): Metric => ({ title, unit, better: 'less' });

/** All that loads measure, in the order of the table. */
export const metrics = {
  upload: more('bulk upload', 'Gbit/s'),
  uploadCpu: less('CPU for an upload', 's/GB'),
  download: more('bulk download', 'Gbit/s'),
  downloadCpu: less('CPU for a download', 's/GB'),
  connections: more('new connections', '1/s'),
  connectionsCpu: less('CPU for new connections', 's/1,000'),
  roundTrips: more('small round trips, 32 clients', '1/s'),
  roundTripsP50: less('small round trips, p50', 'ms'),
  roundTripsP99: less('small round trips, p99', 'ms'),
} as const satisfies Record<string, Metric>;

export type MetricId = keyof typeof metrics;

/** What one run of a load has told. */
export type Readings = { readonly [K in MetricId]?: number };

/** One run of a load through a peer. */
export interface Sample {
  readonly load: string;
  readonly peer: string;
  readonly round: number;
  readonly readings: Readings;
}
