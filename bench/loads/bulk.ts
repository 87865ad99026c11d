import { iperf } from './iperf.ts';
import type { Load } from './load.ts';
import { serve } from './serve.ts';

const GIGA = 1e9;

/** One connection that moves as many bytes as it can. */
export function bulk(direction: 'upload' | 'download'): Load {
  return {
    name: direction === 'upload' ? 'up' : 'down',
    description: `iperf3, one connection, ${direction}`,
    needs: { iperf3: 'iperf3' },
    isFresh: false,
    async serve(world, stack) {
      const port = await serve(world, stack, (free) => ['iperf3', '--server', '--port', String(free)]);
      return { port, protocols: ['tcp'], connections: 100 };
    },
    async run({ world, started, seconds }) {
      const before = started.cpu();
      const args = ['--time', String(seconds), ...(direction === 'download' ? ['--reverse'] : [])];
      const { sum_received: received } = await iperf(world.client, started, args);
      const after = started.cpu();
      return {
        [direction]: received.bits_per_second / GIGA,
        ...(before !== null &&
          after !== null && { [`${direction}Cpu`]: (after - before) / (received.bytes / GIGA) }),
      };
    },
  };
}
