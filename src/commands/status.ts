import { type Command, UsageError } from '../lib/arguments.ts';
import { askOwnRelay } from './ask-own-relay.ts';
import { describeStatus } from './describe-status.ts';
import { watchStatus } from './watch-status.ts';

/** Its exit code is 1 where no relay answers. */
export const status: Command = {
  name: 'status',
  summary: 'show what the relay that runs here knows and does',
  options: {
    json: { type: 'boolean', summary: 'as JSON' },
    watch: {
      type: 'boolean',
      summary: 'again every 2 s, with traffic and names asked for, until q or Ctrl-C',
    },
  },
  run: async ({ options: { json, watch } }, io) => {
    if (json === true && watch === true) throw new UsageError('--json and --watch do not go together');
    if (watch === true) return watchStatus(io);
    const answer = await askOwnRelay(io);
    if (answer === null) return 1;
    io.print(...(json === true ? JSON.stringify(answer, null, 2).split('\n') : describeStatus(answer)));
    return 0;
  },
};
