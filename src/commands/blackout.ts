import { describeBlackout } from '../control/describe-blackout.ts';
import type { BlackoutRequest } from '../control/protocol.ts';
import { type Command, UsageError } from '../lib/arguments.ts';
import { askOwnRelay } from './ask-own-relay.ts';
import { parseDuration } from './duration.ts';

/** Its exit code is 1 where no relay answers. */
export const blackout: Command = {
  name: 'blackout',
  summary: 'cut everybody off while the relay runs, let them in again, or show which it is',
  operands: {
    usage: 'on|off|status',
    summary: 'what to do; status changes nothing',
    min: 1,
    max: 1,
    words: ['on', 'off', 'status'],
  },
  options: {
    drain: { type: 'boolean', summary: 'with on: refuse new clients only, and let live ones go on' },
    for: { type: 'string', summary: 'with on: end it after so long, such as 500ms, 30s, 5m or 1h' },
  },
  run: async ({ options, operands: [word] }, io) => {
    const answer = await askOwnRelay(io, requestOf(word, options));
    if (answer === null) return 1;
    io.print(describeBlackout(answer.blackout));
    return 0;
  },
};

/** null for the status alone. Throws a UsageError when the options do not go with the word. */
function requestOf(
  word: string | undefined,
  { drain, for: duration }: Readonly<Record<string, string | boolean | undefined>>,
): BlackoutRequest | null {
  if (word === 'on') {
    return {
      blackout: drain === true ? 'draining' : 'on',
      duration: typeof duration === 'string' ? parseDuration(duration) : null,
    };
  }
  if (drain !== undefined || duration !== undefined)
    throw new UsageError(`--drain and --for go with 'blackout on' only`);
  return word === 'off' ? { blackout: 'off', duration: null } : null;
}
