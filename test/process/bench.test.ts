import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test('the bench measures a ping-pong on loopback, prints its table and leaves the page alone', async () => {
  const page = readFileSync(join(root, 'docs/performance.md'), 'utf8');
  const args = ['--quick', '--loopback', '--peers', 'kernel,sallyport', '--loads', 'ping-pong'];
  const bench = spawn(process.execPath, [join(root, 'bench/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors, code] = await Promise.all([
    text(bench.stdout),
    text(bench.stderr),
    new Promise<number | null>((resolve) => bench.on('close', resolve)),
  ]);
  expect({ code, errors }).toMatchObject({ code: 0 });
  expect(output).toMatch(/^\| +\| +kernel \| +sallyport \|$/m);
  expect(output).toMatch(/^\| \*\*1 B ping-pong, p50\*\*, µs +\| +[\d.]+ \| +[\d.]+ \|$/m);
  expect(readFileSync(join(root, 'docs/performance.md'), 'utf8')).toBe(page);
});
