import { join } from 'node:path';

import { runToEnd } from '../world/launch.ts';
import type { Place } from '../world/place.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/healthcheck.js');
const TIMES = 10;
/** The shell counts what its children have used. */
const REPEAT = 'i=0; while [ $i -lt "$0" ]; do "$@" >/dev/null || exit 1; i=$((i + 1)); done; times';

/** CPU time of one healthcheck against a relay that runs with this environment, in ms: user and system, everything that Node does for it. */
export async function healthcheckCpu(place: Place, env: Readonly<Record<string, string>>): Promise<number> {
  const output = await runToEnd(place, ['sh', '-c', REPEAT, String(TIMES), process.execPath, PROGRAM], {
    env,
  });
  const [, children = ''] = output.trim().split('\n');
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest),
    0,
  );
  return (seconds / TIMES) * 1000;
}
