import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');

test('a run without a Docker engine says as its last word that container tests were left out', async () => {
  const { REQUIRE_DOCKER: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [VITEST, 'run', '--project', 'container', '--no-color', 'test/container/image.test.ts'],
    { cwd: ROOT, env: { ...env, DOCKER_HOST: 'unix:///nowhere/docker.sock' } },
  );
  expect(stdout.trimEnd().split('\n').at(-1)).toBe(
    'container tests: left out, as no Docker engine answers (REQUIRE_DOCKER=1 makes that a failure)',
  );
});
