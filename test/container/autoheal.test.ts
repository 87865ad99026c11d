import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { health } from '../helpers/container-health.ts';
import { app, nginx } from '../helpers/container-peers.ts';
import { relay } from '../helpers/container-relay.ts';
import { openWorld, type World } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';
import { restartUnhealthy } from '../helpers/docker-restarter.ts';
import { docker } from '../helpers/docker.ts';

describe.skipIf(noDocker)('a restarter that watches the label autoheal=true', () => {
  let world: World;
  let client: StartedTestContainer;
  let door: StartedTestContainer;
  const restarts: string[] = [];
  const stop = new AbortController();
  let restarter: Promise<void>;

  beforeAll(async () => {
    world = await openWorld();
    await world.start(nginx('alive'), { outside: ['target'] });
    const labelled = relay({ TARGET: 'target', PORT: '80' }).withLabels({ autoheal: 'true' });
    door = await world.start(labelled, { inside: ['api.example.com'], outside: [] });
    client = await world.start(app(), { inside: [] });
    restarter = restartUnhealthy('autoheal=true', {
      signal: stop.signal,
      restarted: (id) => restarts.push(id),
    });
  });
  afterAll(async () => {
    stop.abort();
    await restarter;
    await world.close();
  });

  const answer = async () =>
    (await client.exec(['curl', '--silent', '--max-time', '2', 'http://api.example.com/'])).stdout;

  test('leaves a healthy relay alone', async () => {
    expect(await answer()).toBe('alive');
    expect(restarts).toEqual([]);
  });

  test('restarts a frozen relay, and traffic flows again', async () => {
    await docker('kill', '--signal', 'STOP', door.getId());
    expect(await answer()).toBe('');
    await expect.poll(() => restarts, { timeout: 30_000 }).toContain(door.getId());
    await expect.poll(() => health(door), { timeout: 15_000 }).toMatchObject({ status: 'healthy' });
    expect(await answer()).toBe('alive');
  });
});
