export interface Metric {
  readonly title: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
}

type Metrics = Readonly<Record<string, Metric>>;

const more = (title: string, unit: string): Metric => ({ title, unit, better: 'more' });
const less = (title: string, unit: string): Metric => ({ title, unit, better: 'less' });

/** Of bytes that nobody reads on their way, in the order of their table. */
export const relayMetrics = {
  upload: more('bulk upload', 'Gbit/s'),
  uploadCpu: less('CPU for an upload', 's/GB'),
  download: more('bulk download', 'Gbit/s'),
  downloadCpu: less('CPU for a download', 's/GB'),
  connections: more('new connections', '1/s'),
  connectionsCpu: less('CPU for new connections', 's/1,000'),
  roundTrips: more('small round trips, 32 clients', '1/s'),
  roundTripsP50: less('small round trips, p50', 'ms'),
  roundTripsP99: less('small round trips, p99', 'ms'),
  pingPongP50: less('1 B ping-pong, p50', 'µs'),
  pingPongP99: less('1 B ping-pong, p99', 'µs'),
  datagrams: more('UDP datagrams of 64 B, loss < 1 %', '1/s'),
  datagramsCpu: less('CPU for datagrams', 's/million'),
  idleMemory: less('memory per idle connection (PSS)', 'KB'),
  openNone: less('time to open 100, with none idle', 'ms'),
  openIdle: less('time to open 100 more, with all idle', 'ms'),
  startup: less('start to listening', 'ms'),
  restMemory: less('memory at rest (PSS)', 'MiB'),
  restAnonymous: less('of it with no file behind', 'MiB'),
} as const satisfies Metrics;

/** Where clients name the server. */
export const nameMetrics = {
  namedRoundTrips: more('kept-alive requests, HTTP Host read', '1/s'),
  namedRoundTripsCpu: less('CPU for a kept-alive request, HTTP Host read', 'µs'),
  namedConnections: more('new connections, HTTP Host read', '1/s'),
  namedConnectionsCpu: less('CPU for new connections, HTTP Host read', 's/1,000'),
  helloConnections: more('new connections, TLS hello read', '1/s'),
  helloConnectionsCpu: less('CPU for new connections, TLS hello read', 's/1,000'),
  namedUpload: more('bulk upload of an HTTP body', 'Gbit/s'),
  namedUploadCpu: less('CPU for an upload of an HTTP body', 's/GB'),
  namedDownload: more('bulk download of an HTTP body', 'Gbit/s'),
  namedDownloadCpu: less('CPU for a download of an HTTP body', 's/GB'),
  helloUpload: more('bulk upload after a TLS hello', 'Gbit/s'),
  helloUploadCpu: less('CPU for an upload after a TLS hello', 's/GB'),
  helloDownload: more('bulk download after a TLS hello', 'Gbit/s'),
  helloDownloadCpu: less('CPU for a download after a TLS hello', 's/GB'),
} as const satisfies Metrics;

/** Where names have addresses of their own. */
export const addressMetrics = {
  addressedConnections: more("new connections, to a name's own address", '1/s'),
  addressedConnectionsCpu: less("CPU for new connections, to a name's own address", 's/1,000'),
} as const satisfies Metrics;

/** Of nameservers. */
export const dnsMetrics = {
  dnsAnswers: more('DNS answers', '1/s'),
  dnsAnswersCpu: less('CPU for a DNS answer', 'µs'),
  dnsP50: less('DNS answers at 5,000 questions a second, p50', 'µs'),
  dnsP99: less('DNS answers at 5,000 questions a second, p99', 'µs'),
} as const satisfies Metrics;

/** All that loads measure. */
export type MetricId =
  | keyof typeof relayMetrics
  | keyof typeof nameMetrics
  | keyof typeof addressMetrics
  | keyof typeof dnsMetrics;

/** What one run of a load has told. */
export type Readings = { readonly [K in MetricId]?: number };

/** One run of a load through a peer. */
export interface Sample {
  readonly load: string;
  readonly peer: string;
  readonly round: number;
  readonly readings: Readings;
}
