import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { runHealthcheck, runProgram, startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort } from '../helpers/sockets.ts';

/** NODE_OPTIONS that have a program get SIGUSR1 before it has run a line of its own. */
function signalledAtStart(): string {
  const preload = join(temporaryDirectory(), 'signal.cjs');
  writeFileSync(
    preload,
    `if (require('node:worker_threads').isMainThread) process.kill(process.pid, 'SIGUSR1');`,
  );
  return `--require=${preload}`;
}

test.each([
  { WORKERS: '1', what: 'as it is built' },
  { WORKERS: '2', what: 'as it is built' },
  { WORKERS: '1', what: 'without options', options: [] },
])('SIGUSR1 opens no debugger and ends nothing: %j', async ({ WORKERS, options }) => {
  const port = await closedPort();
  const early: Record<string, string> = options === undefined ? { NODE_OPTIONS: signalledAtStart() } : {};
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:1`, WORKERS, ...early }, { options });
  await relay.line('listening');
  relay.process.kill('SIGUSR1');
  const { code, stdout } = await runProgram('sallyport', ['status'], { SALLYPORT_RUN_DIR: relay.runDir });
  expect([code, stdout]).toEqual([0, expect.stringContaining('MODE=tcp')]);
  relay.process.kill('SIGTERM');
  expect(await relay.ended).toMatchObject({ code: 0, output: expect.not.stringContaining('Debugger') });
});

test('SIGUSR1 opens no debugger in the healthcheck, nor in the commands', async () => {
  const environment = { TARGET: '127.0.0.1', PORT: '1', NODE_OPTIONS: signalledAtStart() };
  const { code, output } = await runHealthcheck(environment);
  expect([code, output]).toEqual([1, expect.stringMatching(/^unhealthy: /)]);
  expect(output).not.toContain('Debugger');
  const version = await runProgram('sallyport', ['--version'], environment);
  expect(version).toMatchObject({ code: 0, stderr: '' });
});
