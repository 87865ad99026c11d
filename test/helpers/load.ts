import { connect, type Socket } from 'node:net';

import { onTestFinished } from 'vitest';

import { tcpServer } from './sockets.ts';

/** Pause between two new connections, in ms. */
const INTERVAL = 10;

/** A new connection, with times from performance.now(). */
interface Call {
  readonly endedAt: number;
  /** What the target that served it said; null when it was cut off first. */
  readonly greeting: string | null;
}

export interface Load {
  readonly calls: readonly Call[];
  /** Resolves with the first call that was greeted like this, now or later. */
  readonly greeted: (greeting: string) => Promise<Call>;
  /** Calls no more; resolves when all calls have ended. */
  readonly stop: () => Promise<void>;
}

/** A server that greets each client with one line, and then echoes. */
export async function greeter(greeting: string, { host, port }: { host: string; port: number }) {
  const sockets = new Set<Socket>();
  const { server } = await tcpServer(
    (socket) => {
      sockets.add(socket.on('close', () => sockets.delete(socket)));
      socket.write(`${greeting}\n`);
      socket.pipe(socket);
    },
    host,
    port,
  );
  return {
    /** Takes nobody new. */
    retire: () => void server.close(),
    /** Is gone, and its clients reset. */
    kill() {
      server.close();
      for (const socket of sockets) socket.resetAndDestroy();
    },
  };
}

/** Calls a port steadily until it is stopped, or the test ends. Each call waits for its greeting and leaves. */
export function steadyLoad(port: number): Load {
  const calls: Call[] = [];
  const running = new Set<Promise<void>>();
  const waiters = new Set<() => void>();

  const call = async () => {
    const greeting = await readLine(connect({ port, host: '127.0.0.1' }));
    calls.push({ endedAt: performance.now(), greeting });
    for (const wake of waiters) wake();
  };
  const timer = setInterval(() => {
    const called = call().finally(() => running.delete(called));
    running.add(called);
  }, INTERVAL);
  onTestFinished(() => clearInterval(timer));

  return {
    calls,
    async greeted(wanted) {
      for (;;) {
        const found = calls.find(({ greeting }) => greeting === wanted);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => waiters.add(resolve));
      }
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
    },
  };
}

async function readLine(socket: Socket): Promise<string | null> {
  let received = '';
  try {
    for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) {
      received += chunk;
      if (received.endsWith('\n')) return received.trimEnd();
    }
  } catch {
    // Reset: the same to a client as an early end.
  } finally {
    socket.destroy();
  }
  return null;
}
