import { setTimeout as wait } from 'node:timers/promises';

import type { Load } from './load.ts';
import { nodeProgram } from './node-program.ts';
import { serve } from './serve.ts';

/** For what a peer does when it has just started, in ms. */
const SETTLE = 2_000;
const MEBI = 2 ** 20;

/** Nothing at all, after a start. */
export function rest(): Load {
  return {
    name: 'rest',
    description: 'nothing, after a start',
    needs: {},
    isFresh: true,
    async serve(world, stack) {
      const port = await serve(world, stack, (free) => nodeProgram('echo', free));
      return { port, protocols: ['tcp'], connections: 100 };
    },
    async run({ started }) {
      if (started.startup === null) return {};
      await wait(SETTLE);
      const memory = started.memory();
      return {
        startup: started.startup,
        ...(memory !== null && { restMemory: memory.all / MEBI, restAnonymous: memory.anonymous / MEBI }),
      };
    },
  };
}
