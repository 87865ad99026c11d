import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { health } from '../helpers/container-health.ts';
import { app, nginx } from '../helpers/container-peers.ts';
import { relay } from '../helpers/container-relay.ts';
import { openWorld, type World } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';
import { docker } from '../helpers/docker.ts';

describe.skipIf(noDocker)('the health of a relay with an HTTP probe', () => {
  let world: World;
  let client: StartedTestContainer;
  let target: StartedTestContainer;
  let door: StartedTestContainer;

  beforeAll(async () => {
    world = await openWorld();
    target = await world.start(nginx('alive'), { outside: ['target'] });
    const environment = {
      TARGET: 'target',
      PORT: '80',
      HTTP_HEALTHCHECK: '1',
      HTTP_HEALTHCHECK_TIMEOUT_MS: '1000',
    };
    door = await world.start(relay(environment), { inside: ['api.example.com'], outside: [] });
    client = await world.start(app(), { inside: [] });
  });
  afterAll(() => world.close());
  beforeEach(() => becomes('healthy'));

  const becomes = async (status: string) =>
    await expect.poll(() => health(door), { timeout: 15_000 }).toMatchObject({ status });
  const answer = async () =>
    (await client.exec(['curl', '--silent', '--max-time', '2', 'http://api.example.com/'])).stdout;

  test('is good while the target answers', async () => {
    const { exitCode, output } = await door.exec(['healthcheck']);
    expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
  });

  test('turns bad when the target accepts and stays mute, and good when it answers again', async () => {
    // The kernel goes on accepting for a paused server.
    await docker('pause', target.getId());
    const { exitCode, output } = await door.exec(['healthcheck']);
    await becomes('unhealthy');
    const { message } = await health(door);
    await docker('unpause', target.getId());

    expect({ exitCode, output }).toMatchObject({
      exitCode: 1,
      output: expect.stringMatching(/http:\/\/target\/.*silent for 1000 ms/),
    });
    expect(message).toBe(output);
    await becomes('healthy');
    expect(await answer()).toBe('alive');
  });

  test('turns bad when the target dies, and good when it returns', async () => {
    await docker('stop', '--time', '0', target.getId());
    await becomes('unhealthy');
    expect((await health(door)).message).toMatch(/http:\/\/target\//);

    await docker('start', target.getId());
    await becomes('healthy');
    expect(await answer()).toBe('alive');
  });
});
