import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { watchFile } from '../../src/runtime/watch-file.ts';
import { temporaryDirectory } from '../helpers/program.ts';

/** Watches a path; how often it has changed by now. */
function watching(path: string): () => number {
  const closing = new AbortController();
  onTestFinished(() => closing.abort());
  let times = 0;
  void watchFile(path, () => times++, closing.signal);
  return () => times;
}

const soon = { timeout: 10_000 };

test.each<[string, (directory: string, path: string) => void]>([
  ['is written in place', (_directory, path) => writeFileSync(path, 'changed')],
  [
    'is replaced',
    (directory, path) => {
      writeFileSync(join(directory, 'new'), 'changed');
      renameSync(join(directory, 'new'), path);
    },
  ],
  ['is taken away', (_directory, path) => rmSync(path)],
])('watchFile() notices that a file %s', async (_what, change) => {
  const directory = temporaryDirectory();
  const path = join(directory, 'targets');
  writeFileSync(path, 'first');
  const changes = watching(path);
  await expect.poll(changes, soon).toBe(1);
  change(directory, path);
  await expect.poll(changes, soon).toBe(2);
});

test('watchFile() notices a link further up that leads elsewhere, as that of a ConfigMap', async () => {
  const directory = temporaryDirectory();
  for (const version of ['..1', '..2']) {
    mkdirSync(join(directory, version));
    writeFileSync(join(directory, version, 'targets'), version);
  }
  symlinkSync('..1', join(directory, '..data'));
  symlinkSync('..data/targets', join(directory, 'targets'));
  const changes = watching(join(directory, 'targets'));
  await expect.poll(changes, soon).toBe(1);
  symlinkSync('..2', join(directory, '..new'));
  renameSync(join(directory, '..new'), join(directory, '..data'));
  await expect.poll(changes, soon).toBe(2);
});

test('watchFile() notices a file that comes, and waits until it is written', async () => {
  const path = join(temporaryDirectory(), 'targets');
  const changes = watching(path);
  const writing = setInterval(() => writeFileSync(path, `${performance.now()}`), 20);
  onTestFinished(() => clearInterval(writing));
  await new Promise((resolve) => setTimeout(resolve, 3_000)); // longer than it takes to notice, and to wait
  expect(changes()).toBe(0);
  clearInterval(writing);
  await expect.poll(changes, soon).toBe(1);
});
