import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

interface Options {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly serve: (socket: Socket, address: string) => void;
}

/** A TCP server at several addresses, whose connections are known, so that they can be reset. It can be closed and opened again. */
export class Listener {
  readonly #options: Options;
  readonly #sockets = new Set<Socket>();
  #servers: readonly Server[] = [];

  constructor(options: Options) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { addresses, port, serve } = this.#options;
    this.#servers = addresses.map((address) =>
      createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        this.#sockets.add(socket);
        socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
        serve(socket, address);
      }).listen({ host: address, port, backlog: 1024 }),
    );
    await Promise.all(this.#servers.map((server) => once(server, 'listening')));
  }

  /** Resolves once nothing listens any more; what lives goes on. */
  async refuse(): Promise<void> {
    for (const server of this.#servers) server.close();
    this.#servers = [];
  }

  abort(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}
