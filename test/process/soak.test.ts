import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

import { expect, onTestFinished, test } from 'vitest';

const PROGRAM = join(import.meta.dirname, '../../soak/main.ts');

function start(...args: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

const codeOf = async (child: ChildProcess) => ((await once(child, 'close')) as [number | null])[0];

test('the soak puts its loads on its doors, and is judged as far as it went when it is interrupted', async () => {
  const child = start('--minutes', '60', '--seed', '4');
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (line.startsWith('Doors: raw, ')) child.kill('SIGINT');
  });
  const [errors, code] = await Promise.all([text(child.stderr), codeOf(child)]);
  expect({ code, errors, lines }).toMatchObject({ code: 0, errors: '' });
  expect(lines).toContain('All was well.');
  expect(lines.at(-1)).toBe('To repeat it: npm run soak -- --minutes 60 --seed 4');
  for (const load of ['tcp', 'tls', 'http', 'udp', 'tunnel'])
    expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^\\| ${load} +\\| +[1-9]`)));
}, 180_000);

test('the soak ends with 2 at an argument that it does not take', async () => {
  const child = start('--minutes', 'none');
  const [errors, code] = await Promise.all([text(child.stderr), codeOf(child)]);
  expect({ code, errors }).toEqual({
    code: 2,
    errors: '--minutes=none is not accepted: it takes a whole number from 1 to 10080\n',
  });
});
