import { expect, test } from 'vitest';

import { runTool } from '../../src/lane/tools.ts';
import { usePath } from '../helpers/stand-ins.ts';

const run = (script: string, input?: string) => runTool('sh', ['-c', script], input);

test('runTool() resolves with all that a program has written to its standard output', async () => {
  expect(await run('echo one; echo other >&2; echo two')).toBe('one\ntwo\n');
  expect(await run('head -c 1000000 /dev/zero')).toHaveLength(1_000_000);
});

test('runTool() hands a program its arguments and its input, whether it reads that or not', async () => {
  expect(await runTool('printf', ['%s|', 'a b', '$c'])).toBe('a b|$c|');
  const input = 'é'.repeat(500_000);
  expect(await runTool('cat', [], input)).toBe(input);
  expect(await runTool('cat', [])).toBe('');
  expect(await run('exec <&-; echo deaf', input)).toBe('deaf\n');
});

test.each([
  ['echo known; echo no such table >&2; exit 1', 'sh: no such table'],
  ['exit 3', 'sh: it ended with 3'],
  ['kill -KILL $$', 'sh: it ended with SIGKILL'],
])(
  'runTool() rejects with what a program says where it fails, or with how it ended: %s',
  async (script, message) => {
    await expect(run(script)).rejects.toMatchObject({ name: 'ToolError', message });
  },
);

test('runTool() rejects where there is no such program', async () => {
  usePath('/nowhere');
  await expect(runTool('nft', [])).rejects.toMatchObject({
    name: 'ToolError',
    message: 'nft: it is not installed',
    cause: { cause: { code: 'ENOENT' } },
  });
});

test('runTool() kills a program that takes over 5 s, and says so', async () => {
  const startedAt = performance.now();
  await expect(run('trap "" TERM; exec sleep 60')).rejects.toMatchObject({
    name: 'ToolError',
    message: 'sh: it took over 5000 ms',
  });
  expect(performance.now() - startedAt).toBeGreaterThan(4_990);
});
