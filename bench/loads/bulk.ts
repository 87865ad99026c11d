import { iperf } from './iperf.ts';
import type { Load } from './load.ts';
import { serve } from './serve.ts';
import { cpuPer, withCpu } from './with-cpu.ts';

const GIGA = 1e9;

/** One connection that moves as many bytes as it can. */
export function bulk(direction: 'upload' | 'download'): Load {
  return {
    name: direction === 'upload' ? 'up' : 'down',
    description: `iperf3, one connection, ${direction}`,
    needs: { iperf3: 'iperf3' },
    async serve(world, stack) {
      const port = await serve(world, stack, (free) => ['iperf3', '--server', '--port', String(free)]);
      return { port, protocols: ['tcp'], connections: 100 };
    },
    async run({ world, started, seconds }) {
      const args = direction === 'download' ? ['--reverse'] : [];
      const { result, cpu } = await withCpu(started, () => iperf(world.client, started, { seconds, args }));
      const { bits_per_second: rate, bytes } = result.sum_received;
      return { [direction]: rate / GIGA, ...cpuPer(`${direction}Cpu`, cpu, bytes / GIGA) };
    },
  };
}
