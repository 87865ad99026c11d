import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const REPOSITORY = join(import.meta.dirname, '..');
const exists = (path: string) => existsSync(join(REPOSITORY, path));
const read = (path: string) => readFileSync(join(REPOSITORY, path), 'utf8');

const explained = readdirSync(join(REPOSITORY, 'examples')).filter((name) =>
  exists(`examples/${name}/README.md`),
);
const examples = explained.filter((name) => exists(`examples/${name}/compose.yaml`));

test('there are examples', () => {
  expect(examples).toContain('quickstart');
});

test('the list of examples has each of them once', () => {
  const listed = [...read('examples/README.md').matchAll(/\]\((\S+)\/README\.md\)/g)].map(
    ([, name = '']) => name,
  );
  expect(listed.toSorted()).toEqual(explained.toSorted());
});

/** What is indented: commands to be pasted, or what they say. */
const blocksOf = (readme: string) => readme.match(/(?:^ {4}.*\n)+/gm) ?? [];
const isCommands = (block: string) => /^ {4}(?:\w+=\S+ )*(?:docker|curl|kubectl|podman) /.test(block);

describe.each(explained)('examples/%s', (name) => {
  const readme = read(`examples/${name}/README.md`);

  test('shows commands that can be pasted as they are, and what they say', () => {
    const blocks = blocksOf(readme);
    expect(blocks.filter(isCommands).join('')).not.toMatch(/…|\.\.\.|\$ /);
    expect(blocks.filter((block) => !isCommands(block))).not.toEqual([]);
    expect(readme).not.toMatch(/`[^`\n]*(?:docker|podman|kubectl) [^`\n]*…/);
  });
});

describe.each(examples)('examples/%s, with Compose', (name) => {
  const readme = read(`examples/${name}/README.md`);
  const compose = parse(read(`examples/${name}/compose.yaml`)) as {
    readonly services: Readonly<Record<string, object>>;
    readonly volumes?: object;
  };
  const commands = blocksOf(readme)
    .filter(isCommands)
    .flatMap((block) => block.trimEnd().split('\n'))
    .map((line) => line.trim());

  test('comes up by its first command, and its last one leaves what the README names', () => {
    const command = `docker compose -f examples/${name}/compose.yaml`;
    expect(commands[0]).toMatch(new RegExp(`^${command} up --build`));
    expect(commands.at(-1)).toBe(`${command} down --rmi local`);
    expect(readme).toContain('The base images and the build cache stay.');
    expect(compose).not.toHaveProperty('volumes');
  });

  test('has commands about its own file and services', () => {
    const calls = commands.flatMap((line) => /docker compose (.*)/.exec(line)?.[1] ?? []);
    expect(calls.filter((call) => !call.startsWith(`-f examples/${name}/compose.yaml `))).toEqual([]);
    const meant = calls.flatMap(
      (call) => / (?:exec|logs(?: --follow)?|kill -s STOP) (\S+)/.exec(call)?.[1] ?? [],
    );
    expect(meant.filter((service) => !Object.hasOwn(compose.services, service))).toEqual([]);
  });

  test('is brought up by a test', () => {
    expect(read(`test/container/examples/${name}.test.ts`)).toContain(`bringUp('${name}'`);
  });
});
