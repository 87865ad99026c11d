import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { notResolved } from '../../helpers/container-curl.ts';
import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';

describe.skipIf(noDocker)('examples/forward-proxy', () => {
  let example: Composed;

  const curl = (...args: string[]) =>
    example.exec('app', 'curl', '--silent', '--show-error', '--max-time', '5', ...args);
  const allowed = () => curl('https://registry.example.com/');

  beforeAll(async () => {
    example = await bringUp('forward-proxy', { built: ['app', 'proxy', 'demo-target'] });
    await vi.waitUntil(async () => (await allowed()).code === 0, { timeout: 20_000 });
  });
  afterAll(() => example.down());

  test('lets the app reach the one name', async () => {
    expect((await allowed()).stdout).toBe('demo-target answers for registry.example.com\n');
  });

  test('refuses another name', async () => {
    const refused = await curl('https://other.example.com/');
    expect(refused).toMatchObject({ code: 56, output: expect.stringMatching(/403/) });
  });

  test('refuses another name within the tunnel', async () => {
    const refused = await curl(
      '--connect-to',
      'other.example.com:443:registry.example.com:443',
      'https://other.example.com/',
    );
    expect(refused).toMatchObject({ code: 35, output: expect.stringMatching(/unrecognized name/) });
  });

  test('has no way out but the proxy', async () => {
    const direct = await curl('--noproxy', '*', '--max-time', '2', 'https://registry.example.com/');
    expect(direct).toMatchObject({ code: expect.toBeOneOf(notResolved) });
  });
});
