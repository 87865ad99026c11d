import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { app } from '../helpers/container-peers.ts';
import { unprobedRelay } from '../helpers/container-relay.ts';
import { openWorld, type World } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';
import { docker } from '../helpers/docker.ts';

const name = 'api.example.com';

describe.skipIf(noDocker)('a target whose name resolves to the relay itself', () => {
  let world: World;
  let client: StartedTestContainer;
  let door: StartedTestContainer;

  beforeAll(async () => {
    world = await openWorld();
    client = await world.start(app(), { inside: [] });
    door = await world.start(unprobedRelay({ TARGET: name, PORT: '80' }), { inside: [name], outside: [] });
    const listens = async () => (await client.exec(['nc', '-z', name, '80'])).exitCode === 0;
    await vi.waitUntil(listens, { timeout: 10_000 });
  });
  afterAll(() => world.close());

  /** How many connections were accepted in the relay's network namespace since it began. */
  async function accepted(): Promise<number> {
    const { stdout } = await door.exec(['node', '-p', "fs.readFileSync('/proc/net/snmp', 'utf8')"]);
    const [names, values] = stdout.split('\n').filter((line) => line.startsWith('Tcp:'));
    const column = names?.split(' ').indexOf('PassiveOpens') ?? -1;
    return Number(values?.split(' ')[column]);
  }

  test('is refused at once, without one connection to itself', async () => {
    const before = await accepted();
    const { exitCode } = await client.exec(['curl', '--silent', '--max-time', '5', `http://${name}/`]);
    expect([52, 56]).toContain(exitCode);
    expect((await accepted()) - before).toBe(1);
  });

  test('is told in the log, with the setting that helps', async () => {
    expect(await docker('logs', door.getId())).toMatch(/PRE_RESOLVE=1/);
  });
});
