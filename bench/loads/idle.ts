import { setTimeout as wait } from 'node:timers/promises';

import { launch, said } from '../world/launch.ts';
import type { Load } from './load.ts';
import { nodeProgram } from './node-program.ts';
import { serve } from './serve.ts';

/** For what a peer does when it has just started, or has just been busy, in ms. */
const SETTLE = 1_500;
/** Those that come and go beside the idle ones, with some to spare. */
const MORE = 200;
const KILO = 1000;

/** Many connections on which nothing happens. */
export function idle(count: number): Load {
  return {
    name: 'idle',
    description: `own client in Node, ${count.toLocaleString('en')} idle connections`,
    needs: {},
    isFresh: true,
    async serve(world, stack) {
      const port = await serve(world, stack, (free) => nodeProgram('echo', free));
      return { port, protocols: ['tcp'], connections: count + MORE };
    },
    async run({ world, started }) {
      await wait(SETTLE);
      const before = started.memory();
      const client = launch(world.client, nodeProgram('idle', started.address, started.port, count));
      try {
        const { none, idle: busy } = JSON.parse(await said(client, /^\{.*\}$/m)) as {
          none: number;
          idle: number;
        };
        await wait(SETTLE);
        const after = started.memory();
        const memory =
          before === null || after === null ? {} : { idleMemory: (after.all - before.all) / count / KILO };
        return { ...memory, openNone: none, openIdle: busy };
      } finally {
        client.kill();
        await client.ended;
      }
    },
  };
}
