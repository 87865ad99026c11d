import { randomUUID } from 'node:crypto';

import { getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers';
import { inject } from 'vitest';

import type { JoinedContainer } from './container-joined.ts';
import { runLabel } from './docker-names.ts';
import { removeLabelled } from './docker.ts';

/** The aliases that a container has on the networks it joins. */
interface Places {
  inside?: string[];
  outside?: string[];
}

/** Two networks as in the README: one without a way out, and one beyond the door. */
export interface World {
  start(container: JoinedContainer, places: Places): Promise<StartedTestContainer>;
  /** The container's address on the outside network. */
  outsideAddress(container: StartedTestContainer): string;
  insideAddress(container: StartedTestContainer): string;
  /** Removes the networks, and every container that was started here. */
  close(): Promise<void>;
}

const worldLabel = 'sallyport.test.world';

async function createNetwork(Name: string, Internal: boolean, Labels: Record<string, string>): Promise<void> {
  const { network } = await getContainerRuntimeClient();
  await network.create({ Name, Internal, Labels, CheckDuplicate: true });
}

export async function openWorld(): Promise<World> {
  const id = randomUUID();
  const names = { inside: `inside-${id}`, outside: `outside-${id}` };
  const labels = { [worldLabel]: id, [runLabel]: inject('dockerRun') ?? '' };
  await createNetwork(names.inside, true, labels);
  await createNetwork(names.outside, false, labels);
  return {
    start: (container, { inside, outside }) => {
      if (inside !== undefined) container.joining(names.inside, inside);
      if (outside !== undefined) container.joining(names.outside, outside);
      return container.withLabels(labels).start();
    },
    outsideAddress: (container) => container.getIpAddress(names.outside),
    insideAddress: (container) => container.getIpAddress(names.inside),
    close: () => removeLabelled(`${worldLabel}=${id}`),
  };
}
