import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { startDaemon } from '../helpers/daemon.ts';
import { openNamespace } from '../helpers/namespaces.ts';
import { temporaryDirectory } from '../helpers/program.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/sallyport.js');
const [PORT, ADMIN] = [4_001, 4_002];

const WITH_C: readonly string[] = [];
const WITHOUT_C = ['--no-experimental-ffi'];

test.each(
  [WITH_C, WITHOUT_C].flatMap((options) => [
    { closed: PORT, options, environment: {} },
    { closed: PORT, options, environment: { NAME_CHECK: 'report' } },
    { closed: PORT, options, environment: { WORKERS: '2' } },
    { closed: ADMIN, options, environment: { ADMIN_PORT: String(ADMIN) } },
  ]),
)('a listener that the kernel has closed ends the relay, which says so: %j', async (how) => {
  const { closed, options, environment } = how;
  const { wrap } = await openNamespace();
  const env = {
    PATH: process.env['PATH'] ?? '',
    SALLYPORT_RUN_DIR: temporaryDirectory(),
    TARGET: 'api.test',
    PORT: `${PORT}:1`,
    ...environment,
  };
  const relay = await startDaemon(...wrap(process.execPath, [...options, PROGRAM]), {
    env,
    ready: '"listening"',
  });
  await promisify(execFile)(...wrap('ss', ['-K', 'state', 'listening', `sport = :${closed}`]));
  expect(await relay.ended).toBe(1);
  const which = closed === ADMIN ? 'admin tcp port' : 'tcp port';
  const why = options === WITH_C ? 'accept EINVAL' : 'the kernel has closed the listener';
  expect(relay.output()).toMatch(
    new RegExp(`"err":"failed to go on listening on ${which} ${closed}( at 127\\.0\\.0\\.1)?: ${why}"`),
  );
});
