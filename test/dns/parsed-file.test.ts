import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { parsedFile } from '../../src/dns/parsed-file.ts';
import { temporaryDirectory } from '../helpers/program.ts';

test('parsedFile() goes by what the file holds now: written anew, replaced, removed, come back', () => {
  const path = join(temporaryDirectory(), 'hosts');
  const read = parsedFile(path, (text) => text);
  expect(read()).toBe('');
  for (let i = 0; i < 100; i++) {
    writeFileSync(path, `text ${i % 10}`);
    expect(read()).toBe(`text ${i % 10}`);
  }
  writeFileSync(`${path}.new`, 'another');
  renameSync(`${path}.new`, path);
  expect(read()).toBe('another');
  rmSync(path);
  expect(read()).toBe('');
});

test('parsedFile() parses a file once as long as it stays the same, and anew when as many bytes are written', async () => {
  const path = join(temporaryDirectory(), 'hosts');
  writeFileSync(path, 'one');
  const parsed: string[] = [];
  const read = parsedFile(path, (text) => parsed.push(text));
  // A file that has just been written is not trusted to have another time of change when it is written again.
  await expect.poll(() => read() === read()).toBe(true);
  const before = parsed.length;
  for (let i = 0; i < 100; i++) read();
  expect(parsed).toHaveLength(before);
  writeFileSync(path, 'two');
  read();
  expect(parsed.at(-1)).toBe('two');
});

test('parsedFile() throws for what cannot be read', () => {
  const path = join(temporaryDirectory(), 'hosts');
  mkdirSync(path);
  expect(parsedFile(path, (text) => text)).toThrow('EISDIR');
});
