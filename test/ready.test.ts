import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const READY = join(ROOT, 'scripts/ready.mjs');

test.each([
  ['libatomic.so.1', false],
  ['libnowhere.so.1', true],
])('ready.mjs asks the loader whether %s is missing', async (library, expected) => {
  const { isMissing } = (await import(READY)) as { readonly isMissing: (library: string) => boolean };
  expect(isMissing(library)).toBe(expected);
});

test('ready.mjs says nothing where all is there', async () => {
  expect(await promisify(execFile)(process.execPath, [READY], { cwd: ROOT })).toEqual({
    stdout: '',
    stderr: '',
  });
});

test('the commands of the README look first for what they need', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const commands = [...readme.matchAll(/^ {4}npm (?:run )?(\w+)$/gm)].map(([, name = '']) => name);
  expect(commands).toEqual(['demo', 'test']);
  for (const name of [...commands, 'bench'])
    expect(scripts[`pre${name}`]).toBe('"$npm_node_execpath" scripts/ready.mjs');
});
