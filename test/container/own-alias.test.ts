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

  test('is told by the healthcheck and by check in its container', async () => {
    const healthcheck = await door.exec(['healthcheck']);
    expect([healthcheck.exitCode, healthcheck.output]).toEqual([1, expect.stringMatching(/PRE_RESOLVE=1/)]);
    const check = await door.exec(['sallyport', 'check']);
    expect([check.exitCode, check.output]).toEqual([
      78,
      expect.stringMatching(/this relay itself.*PRE_RESOLVE=1/),
    ]);
  });

  test('is told by check in a container beside it, which has not got its aliases', async () => {
    const beside = await world.start(unprobedRelay({ TARGET: name, PORT: '81' }), { inside: [] });
    const env = { PORT: '80', SALLYPORT_RUN_DIR: '/none' };
    const { exitCode, output } = await beside.exec(['sallyport', 'check'], { env });
    expect(output).toMatch(/it resets whoever connects, .*set PRE_RESOLVE=1/);
    expect(output).toContain(
      `${name} is ${world.insideAddress(door)}, a container beside this one: if that is the relay itself, by its alias, set PRE_RESOLVE=1`,
    );
    expect(exitCode).toBe(1);
  });

  test('is no problem where NAMESERVERS are asked; check says when an alias is missing', async () => {
    const settings = { PRE_RESOLVE: '1', NAMESERVERS: '127.0.0.1', CONNECT_TIMEOUT_MS: '2000', PORT: '80' };
    const names = ['one.example.com', 'other.example.com'];
    const environment = { ...settings, TARGET: names.join(' ') };
    // Apps do not read the relay's own hosts file.
    const hosts = [{ host: 'one.example.com', ipAddress: '203.0.113.7' }];
    const apart = await world.start(unprobedRelay(environment).withExtraHosts(hosts), {
      inside: ['one.example.com'],
    });
    const { output } = await apart.exec(['sallyport', 'check']);
    expect(output).toMatch(/other\.example\.com leads to .* for apps beside this relay, not to it/);
    expect(output).not.toMatch(/one\.example\.com leads to/);
  });
});
