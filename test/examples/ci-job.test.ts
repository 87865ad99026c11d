import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

test('the workflow brings up the tests as the README does', () => {
  const workflow = readFileSync(join(import.meta.dirname, '../../examples/ci-job/workflow.yaml'), 'utf8');
  expect(workflow).toContain('run: docker compose up --build --exit-code-from tests\n');
});
