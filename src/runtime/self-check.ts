import { setTimeout as delay } from 'node:timers/promises';

import type { Log } from '../log/log.ts';

interface Options {
  /** Runs the healthcheck; resolves with what it said, rejects with why it failed. */
  readonly check: () => Promise<string>;
  /** Failures in a row that are too many; Infinity for never. */
  readonly limit: number;
  /** Between checks, in ms. */
  readonly interval: number;
  readonly log: Pick<Log, 'warn'>;
  /** Ends the checking. */
  readonly signal: AbortSignal;
}

/** For one check, in ms: the image's HEALTHCHECK timeout. */
const TIMEOUT = 30_000;

/** Rejects when `limit` checks in a row have failed. Never resolves. */
export async function watchHealth({ check, limit, interval, log, signal }: Options): Promise<never> {
  if (limit === Infinity) return new Promise(() => {});
  for (let failures = 0; ;) {
    await delay(interval, undefined, { signal });
    try {
      await check();
      failures = 0;
    } catch (err) {
      failures++;
      log.warn({ err, failures, limit }, 'self-check failed');
      if (failures >= limit)
        throw new Error(`${failures} self-checks in a row have failed (EXIT_ON_UNHEALTHY)`, { cause: err });
    }
  }
}

/**
 * Runs the healthcheck program in a process of its own, with this process's environment: the same verdict by construction, and no probe library in the relay.
 */
export async function runHealthcheck(node: string, program: string): Promise<string> {
  const { execFile } = await import('node:child_process');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(node, ['--disable-sigusr1', program], { timeout: TIMEOUT }, (error, stdout) => {
    if (error === null) resolve(stdout.trim());
    else reject(new Error(stdout.trim() || error.message));
  });
  return promise;
}
