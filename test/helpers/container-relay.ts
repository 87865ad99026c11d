import { Wait } from 'testcontainers';

import { JoinedContainer } from './container-joined.ts';
import { images } from './docker-names.ts';

type Environment = Record<string, string>;

/** Sallyport, with the image's own healthcheck asked more often than every 30 s. */
export function relay(environment: Environment): JoinedContainer {
  return new JoinedContainer(images.sallyport)
    .withEnvironment(environment)
    .withHealthCheck({ test: ['CMD', 'healthcheck'], interval: 300, timeout: 10_000, retries: 1 })
    .withWaitStrategy(Wait.forHealthCheck())
    .withStartupTimeout(20_000);
}

/** The same without a regular healthcheck, so that every connection it takes is the test's own. */
export function unprobedRelay(environment: Environment): JoinedContainer {
  return relay(environment)
    .withHealthCheck({ test: ['CMD', 'healthcheck'], interval: 3_600_000 })
    .withWaitStrategy(Wait.forListeningPorts());
}
