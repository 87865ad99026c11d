import { GenericContainer, getContainerRuntimeClient } from 'testcontainers';

/** A container that is on all its networks before its program starts, as compose would have it. */
export class JoinedContainer extends GenericContainer {
  readonly #networks = new Map<string, string[]>();

  joining(network: string, aliases: string[]): this {
    this.#networks.set(network, aliases);
    return this;
  }

  withReadOnlyRoot(): this {
    this.hostConfig.ReadonlyRootfs = true;
    return this;
  }

  /** What goes into its resolv.conf, or stands behind Docker's own nameserver. */
  withDns({ servers, search, options }: Readonly<Record<'servers' | 'search' | 'options', string[]>>): this {
    this.hostConfig.Dns = servers;
    this.hostConfig.DnsSearch = search;
    this.hostConfig.DnsOptions = options;
    return this;
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
    const client = await getContainerRuntimeClient();
    const container = client.container.getById(id);
    for (const [network, aliases] of [...this.#networks].slice(1)) {
      await client.container.connectToNetwork(container, client.network.getById(network), aliases);
    }
  }
}
