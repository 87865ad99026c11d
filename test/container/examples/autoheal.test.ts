import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';
import { docker } from '../../helpers/docker.ts';

describe.skipIf(noDocker)('examples/autoheal', () => {
  let example: Composed;

  const answer = async () =>
    (await example.exec('app', 'curl', '--silent', '--max-time', '2', 'http://api.example.com/')).stdout;
  const health = async () =>
    await docker('inspect', '--format', '{{.State.Health.Status}}', await example.container('door'));

  beforeAll(async () => {
    example = await bringUp('autoheal', { built: ['app', 'door', 'demo-target'], ready: ['restarter'] });
    await vi.waitUntil(async () => (await health()) === 'healthy', { timeout: 30_000 });
  });
  afterAll(() => example.down());

  test('leaves a healthy door alone', async () => {
    expect(await answer()).toBe('demo-target answers for api.example.com\n');
    expect(await example.logs('restarter')).not.toMatch(/restarting/);
  });

  test('restarts a frozen door, and traffic flows again', async () => {
    await example.command('kill', '-s', 'STOP', 'door');
    expect(await answer()).toBe('');
    await expect.poll(() => example.logs('restarter'), { timeout: 40_000 }).toMatch(/restarting .*door/);
    await expect.poll(health, { timeout: 30_000, interval: 200 }).toBe('healthy');
    expect(await answer()).toBe('demo-target answers for api.example.com\n');
  });
});
