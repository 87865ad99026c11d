import { type StartedTestContainer, Wait } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { health } from '../helpers/container-health.ts';
import { JoinedContainer } from '../helpers/container-joined.ts';
import { app, nginx } from '../helpers/container-peers.ts';
import { relay } from '../helpers/container-relay.ts';
import { openWorld, type World } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';
import { images } from '../helpers/docker-names.ts';
import { restartUnhealthy } from '../helpers/docker-restarter.ts';
import { docker } from '../helpers/docker.ts';

const NAME = 'api.example.com';
const TTL_S = 5;
const HOSTS = '/etc/dnsmasq.hosts';
// Of this run alone: other tests have restarters too.
const [LABEL, VALUE] = ['sallyport.test.moving', String(process.pid)];

/** A nameserver that knows the names in a file, which it reads at its start and at SIGHUP. */
const nameserver = () =>
  new JoinedContainer(images.peers)
    .withCommand([
      'dnsmasq',
      '--keep-in-foreground',
      '--no-resolv',
      '--no-hosts',
      '--user=root',
      `--addn-hosts=${HOSTS}`,
      `--local-ttl=${TTL_S}`,
    ])
    .withCopyContentToContainer([{ target: HOSTS, content: '' }])
    .withWaitStrategy(Wait.forSuccessfulCommand('nc -z 127.0.0.1 53'));

describe.skipIf(noDocker)('a target that is recreated with another address', () => {
  let world: World;
  let client: StartedTestContainer;
  let names: StartedTestContainer;
  let environment: Record<string, string>;

  beforeAll(async () => {
    world = await openWorld();
    client = await world.start(app(), { inside: [] });
    names = await world.start(nameserver(), { outside: [] });
    environment = { TARGET: NAME, PORT: '80', PRE_RESOLVE: '1', NAMESERVERS: world.outsideAddress(names) };
  });
  afterAll(() => world.close());

  /** Starts the target, and has its name lead to it. */
  async function startTarget(text: string): Promise<StartedTestContainer> {
    const target = await world.start(nginx(text), { outside: [] });
    const record = `${world.outsideAddress(target)} ${NAME}`;
    const { exitCode } = await names.exec(['sh', '-c', `echo '${record}' >${HOSTS} && kill -HUP 1`]);
    expect(exitCode).toBe(0);
    return target;
  }

  /** Replaces the target; another container gets its address, or nobody has it. */
  async function moveTarget(target: StartedTestContainer, text: string): Promise<void> {
    const address = world.outsideAddress(target);
    await docker('rm', '--force', target.getId());
    await world.start(app(), { outside: [] });
    expect(world.outsideAddress(await startTarget(text))).not.toBe(address);
  }

  const call = async (door: StartedTestContainer) => {
    const url = `http://${world.insideAddress(door)}/`;
    return (await client.exec(['curl', '--silent', '--max-time', '1', url])).stdout;
  };

  const startedAt = (door: StartedTestContainer) =>
    docker('inspect', '--format', '{{.State.StartedAt}}', door.getId());

  test('is reached again without a restart', async () => {
    const target = await startTarget('before');
    const door = await world.start(relay(environment), { inside: [], outside: [] });
    const running = await startedAt(door);
    expect(await call(door)).toBe('before');

    await moveTarget(target, 'after');
    await expect.poll(() => call(door), { timeout: (TTL_S + 3) * 1_000 }).toBe('after');
    expect(await startedAt(door)).toBe(running);
    expect(await health(door)).toMatchObject({ status: 'healthy' });
  });

  test('with PRE_RESOLVE_REFRESH=0 is not reached until a restarter sees that the relay is unhealthy', async () => {
    const target = await startTarget('before');
    const fixed = relay({ ...environment, PRE_RESOLVE_REFRESH: '0' }).withLabels({ [LABEL]: VALUE });
    const door = await world.start(fixed, { inside: [], outside: [] });
    expect(await call(door)).toBe('before');

    await moveTarget(target, 'after');
    await expect
      .poll(() => health(door), { timeout: 20_000 })
      .toMatchObject({ status: 'unhealthy', message: expect.stringContaining('has moved') });
    expect(await call(door)).toBe('');

    const restarts: string[] = [];
    const stop = new AbortController();
    const restarter = restartUnhealthy(`${LABEL}=${VALUE}`, {
      signal: stop.signal,
      restarted: (id) => restarts.push(id),
    });
    try {
      await expect.poll(() => call(door), { timeout: 20_000 }).toBe('after');
      expect(restarts).toEqual([door.getId()]);
      await expect.poll(() => health(door), { timeout: 15_000 }).toMatchObject({ status: 'healthy' });
    } finally {
      stop.abort();
      await restarter;
    }
  });
});
