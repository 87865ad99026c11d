import { setTimeout as sleep } from 'node:timers/promises';

import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { app, redis, unbound } from '../helpers/container-peers.ts';
import { relay } from '../helpers/container-relay.ts';
import { openWorld, type World } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';

describe.skipIf(noDocker)('through the alias', () => {
  let world: World;
  let client: StartedTestContainer;

  beforeAll(async () => {
    world = await openWorld();
    client = await world.start(app(), { inside: [] });
  });
  afterAll(() => world.close());

  test('a question over UDP is answered', async () => {
    await world.start(unbound({ 'hello.example.com': '192.0.2.7' }), { outside: ['names'] });
    const environment = { TARGET: 'names', PORT: '53', MODE: 'udp' };
    await world.start(relay(environment), { inside: ['names.example.com'], outside: [] });

    const { stdout } = await client.exec(['dig', '+short', '@names.example.com', 'hello.example.com']);
    expect(stdout.trim()).toBe('192.0.2.7');
  });

  test('a subscription to Redis stays through silence and gets what is published later', async () => {
    const server = await world.start(redis(), { outside: ['cache'] });
    const environment = { TARGET: 'cache', PORT: '6379' };
    await world.start(relay(environment), { inside: ['cache.example.com'], outside: [] });

    const subscribed = client.exec(['sh', '-c', 'redis-cli -h cache.example.com subscribe news | head -n 6']);
    const ask = async (...args: string[]) => (await server.exec(['redis-cli', ...args])).stdout.trim();
    await expect.poll(() => ask('pubsub', 'numsub', 'news'), { timeout: 10_000 }).toBe('news\n1');
    await sleep(3000); // The silence is what is tested.
    await ask('publish', 'news', 'later');
    // redis-cli finds out that nobody reads it any more at its next write only.
    await ask('publish', 'news', 'the end');
    expect((await subscribed).stdout).toMatch(/message\r?\nnews\r?\nlater/);
  });
});
