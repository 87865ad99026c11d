import { isIP } from 'node:net';

import { type Admin, openAdmin, type Page, plainPage } from './admin.ts';
import { readBrowserPage } from './browser-page.ts';
import type * as Metrics from './metrics.ts';
import type { Asked, Status, StatusPage } from './protocol.ts';
import { reasonsNotReady } from './readiness.ts';
import type { Witnesses } from './report.ts';

interface Options extends Pick<Witnesses, 'sources' | 'relays' | 'asked'> {
  readonly status: () => Status;
  readonly look: () => Promise<void>;
  readonly askedNames: () => Asked;
  readonly preResolve: boolean;
  /** The file that metrics.ts is built into. */
  readonly metricsFile: string;
  /** The page for people. */
  readonly pageFile: string;
}

/**
 * Serves what a monitor may ask of the relay. The library for metrics is loaded here, out of a file of its own: Node keeps a program's text, and most
 * relays do without it. Rejects when it cannot be loaded, or with a ListenError.
 */
export async function openPages(
  where: Parameters<typeof openAdmin>[0],
  { status, look, askedNames, preResolve, metricsFile, pageFile, ...witnesses }: Options,
): Promise<Admin> {
  const { createMetrics } = (await import(metricsFile)) as typeof Metrics;
  const metrics = createMetrics(status, witnesses);
  return openAdmin(where, {
    '/': forPeople(() => readBrowserPage(pageFile)),
    '/status.json': forPeople(async () => {
      await look();
      const text = JSON.stringify({ ...status(), asked: askedNames() } satisfies StatusPage);
      return { status: 200, type: 'application/json', text };
    }),
    '/metrics': async () => {
      await look();
      return metrics();
    },
    '/healthz': () => plainPage(200, 'ok'),
    '/readyz': (): Page => {
      const reasons = reasonsNotReady(status(), { preResolve });
      return reasons.length === 0 ? plainPage(200, 'ready') : plainPage(503, ...reasons);
    },
  });
}

/**
 * Told by an address or a name without a dot alone, such as `localhost` or a container's: nobody owns one on the
 * internet, so no site can have a browser read it under a name of its own (DNS rebinding).
 */
function forPeople(page: () => Page | Promise<Page>): (host: string) => Page | Promise<Page> {
  return (host) => {
    const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    if (isIP(name) !== 0 || /^[\w-]+$/.test(name)) return page();
    return plainPage(421, 'ask for this page by an address or by a name without a dot, such as localhost');
  };
}
