import { startSallyport } from './program.ts';
import { closedPort, readAll, tcpClient } from './sockets.ts';

/** Starts a relay to a port of api.test, for which it asks these nameservers, on loopback; and how to call it. */
export async function startNamedRelay(
  target: number,
  nameservers: string,
  environment: Readonly<Record<string, string>> = {},
) {
  const port = await closedPort();
  const relay = startSallyport({
    TARGET: 'api.test',
    PORT: `${port}:${target}`,
    PRE_RESOLVE: '1',
    TARGET_SCOPE: 'any',
    NAMESERVERS: nameservers,
    ...environment,
  });
  await relay.line('listening');
  return {
    relay,
    port,
    connect: () => tcpClient(port),
    /** All that the target says to a new connection. */
    call: async () => (await readAll(await tcpClient(port))).toString(),
  };
}
