import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

const REPOSITORY = join(import.meta.dirname, '..');
const exists = (path: string) => existsSync(join(REPOSITORY, path));
const read = (path: string) => readFileSync(join(REPOSITORY, path), 'utf8');

const examples = readdirSync(join(REPOSITORY, 'examples')).filter((name) =>
  exists(`examples/${name}/compose.yaml`),
);

test('there are examples', () => {
  expect(examples).toContain('quickstart');
});

describe.each(examples)('examples/%s', (name) => {
  test('has a README that says how to bring it up', () => {
    expect(read(`examples/${name}/README.md`)).toContain(
      `docker compose -f examples/${name}/compose.yaml up --build`,
    );
  });

  test('is brought up by a test', () => {
    expect(read(`test/container/examples/${name}.test.ts`)).toContain(`bringUp('${name}'`);
  });

  test('is linked in the README of the repository', () => {
    expect(read('README.md')).toContain(`](examples/${name}/README.md)`);
  });
});
