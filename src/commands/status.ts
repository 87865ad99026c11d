import type { Command } from '../arguments.ts';
import { parseRunDir } from '../config/config.ts';
import { askRelay } from '../control/ask-relay.ts';
import { runDirs } from '../control/run-dir.ts';
import { messageOf } from '../message-of.ts';
import { describeStatus } from './describe-status.ts';

/** Its exit code is 1 where no relay answers. */
export const status: Command = {
  name: 'status',
  summary: 'show what the relay that runs here knows and does',
  options: { json: { type: 'boolean', summary: 'as JSON' } },
  run: async ({ options }, { environment, print, printError }) => {
    const runDir = parseRunDir(environment);
    try {
      const answer = await askRelay(runDir);
      if (answer === null) throw new Error(`there is no control socket in ${runDirs(runDir).join(' or ')}`);
      print(options['json'] === true ? JSON.stringify(answer, null, 2) : describeStatus(answer));
      return 0;
    } catch (cause) {
      printError(`sallyport: no relay answers here: ${messageOf(cause)}\n${ADVICE}`);
      return 1;
    }
  },
};

const ADVICE = [
  'Run this beside the relay, as its user and with its SALLYPORT_RUN_DIR: docker exec <container> sallyport status.',
  "If it runs, its log says why its control socket is off; if it does not, 'sallyport check' says what is wrong.",
].join('\n');
