import type { Asked } from '../control/protocol.ts';
import { type Command, type Io, UsageError } from '../lib/arguments.ts';
import { askOwnRelay } from './ask-own-relay.ts';
import { describeLeftOut, describeNames } from './describe-names.ts';

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
    else printTarget(asked, io);
    return 0;
  },
};

/** Standard output gets nothing but what can be pasted. */
function printTarget({ missing, leftOut }: Asked, { print, printError }: Io): void {
  if (missing !== '') print(missing);
  for (const line of describeLeftOut(leftOut)) printError(`sallyport: ${line}`);
  if (missing === '' && leftOut.length === 0)
    printError('sallyport: no name was refused that another TARGET would let through');
}
