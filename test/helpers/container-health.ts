import { getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers';

export interface Health {
  status: string | undefined;
  /** What the last healthcheck printed. */
  message: string | undefined;
}

/** What the engine holds of the container's health. */
export async function health(container: StartedTestContainer): Promise<Health> {
  const client = await getContainerRuntimeClient();
  const { State } = await client.container.inspect(client.container.getById(container.getId()));
  return { status: State.Health?.Status, message: State.Health?.Log.at(-1)?.Output };
}
