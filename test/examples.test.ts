import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

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

describe.each(examples)('examples/%s', (name) => {
  test('has a README that says how to bring it up', () => {
    expect(read(`examples/${name}/README.md`)).toContain(
      `docker compose -f examples/${name}/compose.yaml up --build`,
    );
  });

  test('is brought up by a test', () => {
    expect(read(`test/container/examples/${name}.test.ts`)).toContain(`bringUp('${name}'`);
  });
});
