import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';
import { docker } from '../../helpers/docker.ts';

describe.skipIf(noDocker)('examples/ci-job', () => {
  let example: Composed;

  beforeAll(async () => {
    example = await bringUp('ci-job', { built: ['tests', 'door', 'demo-forge'] });
  });
  afterAll(() => example.down());

  test('the tests get their package from the registry, and reach nothing else', async () => {
    const container = (await example.command('ps', '--all', '--quiet', 'tests')).trim();
    const code = await docker('wait', container);
    const log = await example.logs('tests');
    expect(log).toMatch(/added 1 package/);
    expect(log).toMatch(/✔ the package has come from the registry/);
    expect(log).toMatch(/✔ nothing else can be reached/);
    expect(code).toBe('0');
  });
});
