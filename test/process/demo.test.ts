import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

test('the demo shows the main job and ends with 0', async () => {
  const demo = join(import.meta.dirname, '../../examples/demo.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [demo]);
  expect(stdout).toContain('api.demo.test → 127.0.0.1');
  expect(stdout).toContain('GET /hello → 200, 25 bytes: hello from api.demo.test');
  expect(stdout).toContain('GET /a-large-reply → 200, 1000025 bytes');
  expect(stdout).toContain('GET / → 403, www.demo.test is not in TARGET');
  expect(stdout).toContain("ping → pong to 'ping'");
  expect(stdout).toContain('healthy (exit 0)');
  expect(stdout.match(/exit 0$/gm)).toHaveLength(2);
});
