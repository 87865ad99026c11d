import { type Admin, openAdmin, type Page, plainPage } from './admin.ts';
import type * as Metrics from './metrics.ts';
import type { Status } from './protocol.ts';
import { reasonsNotReady } from './readiness.ts';
import type { Witnesses } from './report.ts';

interface Options extends Pick<Witnesses, 'sources' | 'relays' | 'asked'> {
  readonly status: () => Status;
  readonly preResolve: boolean;
  /** The file that metrics.ts is built into. */
  readonly metricsFile: string;
}

/**
 * Serves what a monitor may ask of the relay. The library for metrics is loaded here, out of a file of its own: Node keeps a program's text, and most
 * relays do without it. Rejects when it cannot be loaded, or with a ListenError.
 */
export async function openPages(
  where: Parameters<typeof openAdmin>[0],
  { status, preResolve, metricsFile, ...witnesses }: Options,
): Promise<Admin> {
  const { createMetrics } = (await import(metricsFile)) as typeof Metrics;
  return openAdmin(where, {
    '/metrics': createMetrics(status, witnesses),
    '/healthz': () => plainPage(200, 'ok'),
    '/readyz': (): Page => {
      const reasons = reasonsNotReady(status(), { preResolve });
      return reasons.length === 0 ? plainPage(200, 'ready') : plainPage(503, ...reasons);
    },
  });
}
