import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';
import { docker } from '../../helpers/docker.ts';

describe.skipIf(noDocker)('examples/quickstart', () => {
  let quickstart: Composed;

  beforeAll(async () => {
    quickstart = await bringUp('quickstart', { built: ['door'], ready: ['app', 'demo-target'] });
  });
  afterAll(() => quickstart.down());

  const log = () => quickstart.logs('app');

  test('lets the app reach the name of the door, and nothing else', async () => {
    await expect.poll(log, { timeout: 30_000, interval: 500 }).toMatch(/example\.org\/: no way there/);
    await expect
      .poll(log, { timeout: 30_000, interval: 500 })
      .toMatch(/api\.example\.com\/: 200 hello from outside/);
    expect(await log()).not.toMatch(/example\.org\/: \d/);
  });

  test('has the app on one network, which is internal', async () => {
    const container = await quickstart.container('app');
    const names = await docker('inspect', '--format', '{{json .NetworkSettings.Networks}}', container);
    const networks = Object.keys(JSON.parse(names) as object);
    expect(networks).toEqual([expect.stringMatching(/_inside$/)]);
    expect(await docker('network', 'inspect', '--format', '{{.Internal}}', ...networks)).toBe('true');
  });

  test('leaves no way past the door', async () => {
    const ipForward = ['node', '-p', "fs.readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')"];
    expect((await quickstart.exec('door', ...ipForward)).stdout.trim()).toBe('0');
    const { output } = await quickstart.exec('door', 'sallyport', 'check');
    expect(output).toMatch(/No problem was found/);
    expect(output).not.toMatch(/Warnings/);
  });

  test('leaves a door whose healthcheck passes', async () => {
    expect(await quickstart.exec('door', 'healthcheck')).toMatchObject({ code: 0 });
  });
});
