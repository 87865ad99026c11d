import type { Command } from '../lib/arguments.ts';
import { askOwnRelay } from './ask-own-relay.ts';
import { describeStatus } from './describe-status.ts';

/** Its exit code is 1 where no relay answers. */
export const status: Command = {
  name: 'status',
  summary: 'show what the relay that runs here knows and does',
  options: { json: { type: 'boolean', summary: 'as JSON' } },
  run: async ({ options }, io) => {
    const answer = await askOwnRelay(io);
    if (answer === null) return 1;
    io.print(
      ...(options['json'] === true ? JSON.stringify(answer, null, 2).split('\n') : describeStatus(answer)),
    );
    return 0;
  },
};
