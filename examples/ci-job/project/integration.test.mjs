import assert from 'node:assert/strict';
import { test } from 'node:test';

import hello from 'hello';

test('the package has come from the registry', () => {
  assert.equal(hello(), 'hello from a package');
});

test('nothing else can be reached', async () => {
  await assert.rejects(fetch('https://example.org/', { signal: AbortSignal.timeout(2000) }));
});
