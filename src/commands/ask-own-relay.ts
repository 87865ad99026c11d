import { parseRunDir } from '../config/config.ts';
import { askRelay } from '../control/ask-relay.ts';
import type { Request } from '../control/protocol.ts';
import { runDirs } from '../control/run-dir.ts';
import type { Io } from '../lib/arguments.ts';
import { messageOf } from '../lib/message-of.ts';

const ADVICE = [
  'Run this beside the relay, as its user and with its SALLYPORT_RUN_DIR: docker exec <container> sallyport status.',
  "If it runs, its log says why its control socket is off; if it does not, 'sallyport check' says what is wrong.",
];

/** The status of the relay that runs here, once it has done what is requested; null, and said, where none answers. */
export async function askOwnRelay(
  { environment, printError }: Io,
  request: Request | null = null,
): ReturnType<typeof askRelay> {
  const runDir = parseRunDir(environment);
  try {
    const answer = await askRelay(runDir, { request });
    if (answer === null) throw new Error(`there is no control socket in ${runDirs(runDir).join(' or ')}`);
    return answer;
  } catch (cause) {
    printError(`sallyport: no relay answers here: ${messageOf(cause)}`, ...ADVICE);
    return null;
  }
}
