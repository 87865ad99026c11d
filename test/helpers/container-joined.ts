import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers';

import { run } from './docker.ts';

/** A container that is on all its networks before its program starts, as compose would have it. */
export class JoinedContainer extends GenericContainer {
  readonly #networks = new Map<string, string[]>();
  #id = '';

  joining(network: string, aliases: string[]): this {
    this.#networks.set(network, aliases);
    return this;
  }

  withReadOnlyRoot(): this {
    this.hostConfig.ReadonlyRootfs = true;
    return this;
  }

  /** Starts it and waits until it is ready; rejects with its log and what its healthchecks printed. */
  override async start(): Promise<StartedTestContainer> {
    try {
      return await super.start();
    } catch (cause) {
      const logs = await run('docker', ['logs', this.#id]);
      const health = await run('docker', ['inspect', '--format', '{{json .State.Health}}', this.#id]);
      throw new Error(`${String(cause)}\n${logs.output}\n${health.output}`, { cause });
    }
  }

  // Engines before API 1.44 take one network at creation: the others follow in containerCreated().
  protected override async beforeContainerCreated(): Promise<void> {
    const [first] = this.#networks;
    if (first === undefined) return;
    const [network, Aliases] = first;
    this.withNetworkMode(network);
    this.createOpts.NetworkingConfig = { EndpointsConfig: { [network]: { Aliases } } };
  }

  protected override async containerCreated(id: string): Promise<void> {
    this.#id = id;
    const client = await getContainerRuntimeClient();
    const container = client.container.getById(id);
    for (const [network, aliases] of [...this.#networks].slice(1)) {
      await client.container.connectToNetwork(container, client.network.getById(network), aliases);
    }
  }
}
