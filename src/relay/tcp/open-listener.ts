import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';

import { BareServer } from '../../kernel/bare-server.ts';
import type { BareSocket } from '../../kernel/bare-socket.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { KEEP_ALIVE_DELAY } from '../../kernel/socket-options.ts';
import { LISTENING, readSockets } from '../../kernel/socket-table.ts';
import type { ListenAddress } from '../relay.ts';
import type { TcpSocket } from './tcp-socket.ts';
import { toTcpSocket } from './to-tcp-socket.ts';

interface Options {
  /** null where C cannot be called: clients are streams then. */
  readonly kernel: Kernel | null;
  /** Whether another client may come now; not asked over streams. */
  readonly mayAccept?: () => boolean;
  readonly accept: (client: TcpSocket) => void;
  /** Told that clients wait, as the process is short of something, and why; null where they may not come. Not over streams. */
  readonly onShort?: (why: Error | null) => void;
  /** Whether others may listen on it as well (SO_REUSEPORT, socket(7)). */
  readonly sharesPort?: boolean;
}

/** Beyond what the kernel allows (net.core.somaxconn): the kernel cuts it to its own limit. */
const BACKLOG = 65_535;
/** How often the kernel is asked whether it still listens for us, in ms. */
const LOOK_EVERY = 5_000;

/**
 * Accepts TCP clients at a place, who are not read. Rejects with a system error when it cannot; emits 'error' when it listens no
 * more, as the kernel may close a listener (SOCK_DESTROY of sock_diag(7)).
 */
export async function openListener(
  { address, port }: ListenAddress,
  { kernel, mayAccept = () => true, accept, onShort = () => {}, sharesPort = false }: Options,
): Promise<BareServer | Server> {
  const acceptAsEnd = (client: Socket | BareSocket) => accept(toTcpSocket(client));
  const server = createServer(
    {
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY,
    },
    acceptAsEnd,
  );
  server.listen({
    port,
    backlog: BACKLOG,
    reusePort: sharesPort,
    ...(address !== null && { host: address, ipv6Only: isIPv6(address) }),
  });
  await once(server, 'listening');
  if (kernel !== null)
    return new BareServer(kernel, server, { mayAccept, accept: acceptAsEnd }).on('short', onShort);
  watch(server);
  return server;
}

/** Node does not tell that the kernel has closed a listener: it tries to accept again and again. The kernel's table tells. */
function watch(server: Server): void {
  const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const { ino: own } = fstatSync(fd);
  const timer = setInterval(() => {
    if (readSockets('tcp').some(({ inode, state }) => inode === own && state === LISTENING)) return;
    server.close();
    server.emit('error', new Error('the kernel has closed the listener'));
  }, LOOK_EVERY).unref();
  server.once('close', () => clearInterval(timer));
}
