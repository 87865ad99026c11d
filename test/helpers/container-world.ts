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

/** Two networks as in docs/walls.md: one without a way out, and one beyond the door. */
export interface World {
  /** The name of the network that has no way out. */
  readonly inside: string;
  readonly outside: string;
  start(container: JoinedContainer, places: Places): Promise<StartedTestContainer>;
  /** The container's address on the outside network. */
  outsideAddress(container: StartedTestContainer): string;
  insideAddress(container: StartedTestContainer): string;
  /** Removes the networks, and every container that was started here. */
  close(): Promise<void>;
}

const worldLabel = 'sallyport.test.world';

/** What the engine is told of a network, in the words of its API. */
type NetworkOptions = Partial<
  Parameters<Awaited<ReturnType<typeof getContainerRuntimeClient>>['network']['create']>[0]
>;

async function createNetwork(
  Name: string,
  options: NetworkOptions & { readonly Labels: Record<string, string> },
): Promise<void> {
  const { network } = await getContainerRuntimeClient();
  await network.create({ Name, CheckDuplicate: true, ...options });
}

export async function openWorld(inside: NetworkOptions = {}): Promise<World> {
  const id = randomUUID();
  const names = { inside: `inside-${id}`, outside: `outside-${id}` };
  const labels = { [worldLabel]: id, [runLabel]: inject('dockerRun') ?? '' };
  await createNetwork(names.inside, { ...inside, Internal: true, Labels: labels });
  await createNetwork(names.outside, { Labels: labels });
  return {
    ...names,
    start: (container, places) => {
      if (places.inside !== undefined) container.joining(names.inside, places.inside);
      if (places.outside !== undefined) container.joining(names.outside, places.outside);
      return container.withLabels(labels).start();
    },
    outsideAddress: (container) => container.getIpAddress(names.outside),
    insideAddress: (container) => container.getIpAddress(names.inside),
    close: () => removeLabelled(`${worldLabel}=${id}`),
  };
}
