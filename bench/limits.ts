import type { Options } from './options.ts';
import { openFiles } from './world/launch.ts';

/** What a relay has open beside its connections, two files each, and what comes and goes beside idle ones. */
const SPARE = 800;
const STEP = 100;

/** Options with no more idle connections than the machine allows a program to have; tells where that changes them. */
export function withinLimits(options: Options, say: (line: string) => void): Options {
  const files = openFiles();
  const most = Math.floor((files - SPARE) / 2 / STEP) * STEP;
  if (options.idle <= most) return options;
  say(`${most} idle connections instead of ${options.idle}: a program may have ${files} open files here`);
  return { ...options, idle: most };
}
