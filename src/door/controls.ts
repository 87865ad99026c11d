import { dirname, join } from 'node:path';

import type { Config } from '../config/config.ts';
import { controlPaths } from '../control/run-dir.ts';
import { type Control, openControl } from '../control/server.ts';
import type { Log } from '../log/log.ts';
import { runHealthcheck, watchHealth } from '../runtime/self-check.ts';
import { watchFile } from '../runtime/watch-file.ts';
import type { Door } from './door.ts';

interface Deps {
  readonly process: NodeJS.Process;
  readonly log: Pick<Log, 'warn'>;
}

/** The ways to ask an open door, and its own check of itself. */
interface Controls {
  /** Rejects when the listener of the pages dies, or when too many self-checks have failed; never resolves. */
  readonly failed: Promise<never>;
  readonly close: () => void;
}

/** The image's HEALTHCHECK interval, in ms. */
const SELF_CHECK_INTERVAL = 30_000;

/**
 * Opens the control socket, the pages for monitors (ADMIN_PORT) and the self-check (EXIT_ON_UNHEALTHY), and watches TARGET_FILE. Rejects with a ListenError
 * when it cannot listen for the pages.
 */
export async function openControls(config: Config, door: Door, { process, log }: Deps): Promise<Controls> {
  const [, program = ''] = process.argv;
  const closing = new AbortController();
  const admin = await pagesOf(config, door, dirname(program));
  const control = await controlOf(config, door, log);
  if (config.targetFile !== null)
    void watchFile(config.targetFile, () => void door.targetFile.reread({ forNews: true }), closing.signal);
  const unhealthy = watchHealth({
    check: () => runHealthcheck(process.execPath, healthcheckBeside(program)),
    limit: config.exitOnUnhealthy,
    interval: SELF_CHECK_INTERVAL,
    log,
    signal: closing.signal,
  });
  return {
    failed: Promise.race(admin === null ? [unhealthy] : [unhealthy, admin.failed]),
    close() {
      closing.abort();
      control?.close();
      admin?.close();
    },
  };
}

async function pagesOf({ admin: where, preResolve }: Config, door: Door, directory: string) {
  if (where === null) return null;
  const metricsFile = join(directory, 'sallyport-metrics.js');
  const pageFile = join(directory, 'sallyport-page.html');
  const { openPages } = await import('../control/pages.ts');
  return openPages(where, {
    status: () => door.status(),
    look: () => door.look(),
    askedNames: () => door.askedNames(),
    preResolve,
    metricsFile,
    pageFile,
    ...door.witnesses,
  });
}

/** Null where there can be none: the relay goes on without it. */
async function controlOf({ runDir }: Config, door: Door, log: Deps['log']): Promise<Control | null> {
  const answers = {
    status: () => door.status(),
    look: () => door.look(),
    asked: () => door.askedNames(),
    blackOut: ({ blackout, duration }) => door.blackout.switchTo(blackout, { by: 'command', duration }),
  } satisfies Parameters<typeof openControl>[1];
  const onUnlocked = (err: unknown) =>
    log.warn({ err }, 'the run directory has no lock: relays that start at the same moment may share it');
  try {
    return await openControl(controlPaths(runDir), answers, onUnlocked);
  } catch (err) {
    log.warn(
      { err },
      'the control socket is off: the healthcheck cannot ask this relay, only watch its ports',
    );
    return null;
  }
}

/** The two programs lie side by side, `sallyport` and `healthcheck`, both with or without `.js`; and with them the file for metrics. */
function healthcheckBeside(program: string): string {
  return program.replace(/sallyport(?=(\.js)?$)/, 'healthcheck');
}
