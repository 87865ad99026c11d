import { runToEnd } from '../world/launch.ts';
import type { Load } from './load.ts';
import { nodeProgram } from './node-program.ts';
import { serve } from './serve.ts';

/** One byte there and back, one at a time. */
export function pingPong(): Load {
  return {
    name: 'ping-pong',
    description: 'own client in Node, one connection, one byte there and back at a time',
    needs: {},
    async serve(world, stack) {
      const port = await serve(world, stack, (free) => nodeProgram('echo', free));
      return { port, protocols: ['tcp'], connections: 100 };
    },
    async run({ world, started, seconds }) {
      const { address, port } = started;
      const output = await runToEnd(world.client, nodeProgram('ping-pong', address, port, seconds), {
        seconds,
      });
      const { p50, p99 } = JSON.parse(output) as { p50: number; p99: number };
      return { pingPongP50: p50, pingPongP99: p99 };
    },
  };
}
