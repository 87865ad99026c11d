import { runToEnd } from '../world/launch.ts';
import type { Load } from './load.ts';
import { NAME, named } from './named.ts';
import { nodeProgram } from './node-program.ts';
import { serve } from './serve.ts';
import { cpuPer, withCpu } from './with-cpu.ts';

const GIGA = 1e9;
const BITS = 8;

const common = {
  needs: {},
  async serve(world, stack) {
    const port = await serve(world, stack, (free) => nodeProgram('hello-server', free));
    return named({ port, protocols: ['tls'], connections: 100 }, world, stack);
  },
} satisfies Partial<Load>;

/** Clients that connect anew for each TLS hello. */
export function helloConnections(): Load {
  return {
    ...common,
    name: 'hello-connections',
    description: 'own clients in Node, 32 of them, a connection for each TLS hello',
    async run({ world, started, seconds }) {
      const { address, port } = started;
      const program = nodeProgram('hello-connections', address, port, NAME, seconds);
      const { result, cpu } = await withCpu(started, () => runToEnd(world.client, program, { seconds }));
      const { connections, seconds: lasted } = JSON.parse(result) as { connections: number; seconds: number };
      return {
        helloConnections: connections / lasted,
        ...cpuPer('helloConnectionsCpu', cpu, connections / 1000),
      };
    },
  };
}

/** One connection that moves as many bytes as it can after a TLS hello. */
export function helloBulk(direction: 'upload' | 'download'): Load {
  const metric = direction === 'upload' ? 'helloUpload' : 'helloDownload';
  return {
    ...common,
    name: direction === 'upload' ? 'hello-up' : 'hello-down',
    description: `own client and server in Node, one connection, ${direction} after a TLS hello, unencrypted`,
    async run({ world, started, seconds }) {
      const { address, port } = started;
      const program = nodeProgram('hello-bulk', address, port, NAME, seconds, direction);
      const { result, cpu } = await withCpu(started, () => runToEnd(world.client, program, { seconds }));
      const { bytes, seconds: lasted } = JSON.parse(result) as { bytes: number; seconds: number };
      return { [metric]: (bytes * BITS) / lasted / GIGA, ...cpuPer(`${metric}Cpu`, cpu, bytes / GIGA) };
    },
  };
}
