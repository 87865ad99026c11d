import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { compose, type Composed } from '../helpers/docker-compose.ts';
import { noDocker } from '../helpers/docker-engine.ts';
import { docker } from '../helpers/docker.ts';

describe.skipIf(noDocker)('examples/quickstart', () => {
  let quickstart: Composed;

  beforeAll(async () => {
    quickstart = await compose('examples/quickstart/compose.yaml', {
      built: ['door'],
      services: ['app', 'door', 'demo-target'],
    });
    await quickstart.command('up', '--build', '--detach');
  });
  afterAll(() => quickstart.down());

  const log = () => quickstart.command('logs', '--no-color', 'app');

  test('lets the app reach the name of the door, and nothing else', async () => {
    await expect.poll(log, { timeout: 30_000, interval: 500 }).toMatch(/example\.org\/: no way there/);
    await expect
      .poll(log, { timeout: 30_000, interval: 500 })
      .toMatch(/api\.example\.com\/: 200 hello from outside/);
    expect(await log()).not.toMatch(/example\.org\/: \d/);
  });

  test('has the app on one network, which is internal', async () => {
    const container = await quickstart.command('ps', '--quiet', 'app');
    const names = await docker('inspect', '--format', '{{json .NetworkSettings.Networks}}', container.trim());
    const networks = Object.keys(JSON.parse(names) as object);
    expect(networks).toEqual([expect.stringMatching(/_inside$/)]);
    expect(await docker('network', 'inspect', '--format', '{{.Internal}}', ...networks)).toBe('true');
  });

  test('leaves a door whose healthcheck passes', async () => {
    expect(await quickstart.command('exec', '-T', 'door', 'healthcheck')).toEqual(expect.any(String));
  });
});
