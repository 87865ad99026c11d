import { connect } from 'node:net';

import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { clientHello, extension } from '../helpers/client-hello.ts';
import { app, nginx } from '../helpers/container-peers.ts';
import { unprobedRelay } from '../helpers/container-relay.ts';
import { openWorld, type World } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';
import { docker } from '../helpers/docker.ts';

/** Of one source: so many connections in all, and at a time. */
const CONNECTIONS = 20_000;
const AT_A_TIME = 2_000;

const head = Buffer.from(`GET / HTTP/1.1\r\nX: ${'x'.repeat(60_000)}`);
const hello = clientHello({ names: ['target'], extensions: [extension(21, Buffer.alloc(60_000))] });

/** Opens one connection after the other, in each of many places, and says the same on all; who is not sent away stays. */
function flood(host: string, bytes: Buffer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let opened = 0;
  const open = () => {
    if (opened++ >= CONNECTIONS) return resolve();
    const client = connect(80, host, () => client.write(bytes))
      .resume()
      .on('error', () => {})
      .on('close', open);
  };
  for (let i = 0; i < AT_A_TIME; i++) open();
  return promise;
}

describe.skipIf(noDocker)('a container of 64 MB', () => {
  let world: World;
  let client: StartedTestContainer;
  let door: StartedTestContainer;

  beforeAll(async () => {
    world = await openWorld();
    await world.start(nginx('alive'), { outside: ['target'] });
    client = await world.start(app(), { inside: [] });
    const environment = { TARGET: 'target', PORT: '80', NAME_CHECK: 'enforce' };
    const small = unprobedRelay(environment).withResourcesQuota({ memory: 64 / 1024 });
    door = await world.start(small, { inside: ['target'], outside: [] });
  });
  afterAll(() => world.close());

  test.each([
    ['heads that do not end', head],
    ['hellos that do not end', hello.subarray(0, -1)],
    ['names that are refused', Buffer.from('GET / HTTP/1.1\r\nHost: other.test\r\n\r\n')],
  ])('outlives a flood of %s, and serves others', async (_, bytes) => {
    await flood(world.outsideAddress(door), bytes);
    expect((await client.exec(['curl', '--silent', 'http://target/'])).stdout).toBe('alive');
    expect(
      (await docker('inspect', '--format', '{{.State.OOMKilled}} {{.RestartCount}}', door.getId())).trim(),
    ).toBe('false 0');
  });
});
