import { join } from 'node:path';

import { expect, test } from 'vitest';

import { repository, run } from '../helpers/run.ts';

const [emulator = '', ...args] = process.env['TEST_NODE']?.split(' ') ?? [];
const kernel = join(repository, 'src/kernel/kernel.ts');

test('C is called there too: without node:ffi the other tests would pass over streams', async () => {
  const script = `import(${JSON.stringify(kernel)}).then(({ openKernel }) => console.log(process.arch, openKernel() !== null))`;
  expect(await run(emulator, [...args, '--eval', script])).toMatchObject({ stdout: 'arm64 true\n' });
});
