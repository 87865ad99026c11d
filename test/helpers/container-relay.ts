import { Wait, type StartedTestContainer } from 'testcontainers';
import { vi } from 'vitest';

import { health } from './container-health.ts';
import { JoinedContainer } from './container-joined.ts';
import { images } from './docker-names.ts';
import { docker } from './docker.ts';

type Environment = Record<string, string>;

/** Its ports are open before it answers `sallyport status`. */
const ready = Wait.forLogMessage(/"msg":"listening"/);

/** Sallyport without a regular healthcheck, so that every connection it takes is the test's own. */
export function unprobedRelay(environment: Environment): JoinedContainer {
  return (
    new JoinedContainer(images.sallyport)
      .withEnvironment(environment)
      // The image's start period, within which newer engines ask each 5 s, would hold where none is given.
      .withHealthCheck({ test: ['CMD', 'healthcheck'], interval: 3_600_000, startPeriod: 1 })
      .withWaitStrategy(ready)
  );
}

class ProbedRelay extends JoinedContainer {
  /** Waits for the first healthcheck, and rejects with what it printed if it is bad. */
  override async start(): Promise<StartedTestContainer> {
    const container = await super.start();
    const known = async () => {
      const now = await health(container);
      return now.status === 'starting' ? null : now;
    };
    const { status, message } = await vi.waitUntil(known, { timeout: 20_000, interval: 100 });
    if (status === 'healthy') return container;
    throw new Error(`the relay is ${status}: ${message}${await docker('logs', container.getId())}`);
  }
}

/** Sallyport, with the image's own healthcheck asked more often than every 30 s; healthy once started. */
export function relay(environment: Environment): JoinedContainer {
  return new ProbedRelay(images.sallyport)
    .withEnvironment(environment)
    .withHealthCheck({ test: ['CMD', 'healthcheck'], interval: 300, timeout: 10_000, retries: 1 })
    .withWaitStrategy(ready);
}
