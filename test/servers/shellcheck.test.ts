import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { DockerfileParser } from 'dockerfile-ast';
import { expect, test } from 'vitest';

import { repository, run } from '../helpers/run.ts';

const read = (path: string) => readFileSync(join(repository, path), 'utf8');
const files = (await run('git', ['ls-files'])).stdout.trimEnd().split('\n');
const scripts = files.filter((path) => path.startsWith('.ci/') || /^#!.*\b(?:ba)?sh$/m.test(firstLine(path)));
const dockerfiles = files.filter((path) => basename(path) === 'Dockerfile');

function firstLine(path: string): string {
  return read(path).split('\n', 1)[0] ?? '';
}

test('shell scripts have no fault', async () => {
  expect(scripts).toContain('.ci/run');
  expect(await run('shellcheck', ['--shell=bash', '--external-sources', ...scripts])).toEqual({
    code: 0,
    output: '',
    stdout: '',
  });
});

test.each(dockerfiles)('the commands of %s have no fault', async (path) => {
  const commands = DockerfileParser.parse(read(path))
    .getInstructions()
    .filter((instruction) => instruction.getKeyword() === 'RUN')
    .map((instruction) => instruction.getArgumentsContent() ?? '');
  expect(commands).not.toEqual([]);
  for (const command of commands) {
    const { output } = await run('shellcheck', ['--shell=dash', '-'], { input: command });
    expect(output).toBe('');
  }
});

test('a fault is seen', async () => {
  const { output } = await run('shellcheck', ['--shell=dash', '-'], { input: 'cat $1' });
  expect(output).toContain('Double quote to prevent globbing');
});
