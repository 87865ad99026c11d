import { type Command, UsageError } from '../lib/arguments.ts';
import { askOwnRelay } from './ask-own-relay.ts';
import { describeNames } from './describe-names.ts';

/** Its exit code is 1 where no relay answers. */
export const names: Command = {
  name: 'names',
  summary: 'list every name that was asked for at the relay that runs here, and what became of it',
  options: {
    target: { type: 'boolean', summary: 'what to add to TARGET, so that refused names are let through' },
    json: { type: 'boolean', summary: 'all of it, as JSON' },
  },
  run: async ({ options: { target, json } }, io) => {
    if (target === true && json === true) throw new UsageError('--target and --json do not go together');
    const answer = await askOwnRelay(io, { names: true });
    if (answer?.asked === undefined) return 1;
    const { asked } = answer;
    if (json === true) io.print(...JSON.stringify(asked, null, 2).split('\n'));
    else if (target !== true) io.print(...describeNames(asked));
    else if (asked.missing !== '') io.print(asked.missing);
    else io.printError('sallyport: no name was refused that another TARGET would let through');
    return 0;
  },
};
