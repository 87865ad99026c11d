import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { app, dnsmasq, nginx } from '../helpers/container-peers.ts';
import { unprobedRelay } from '../helpers/container-relay.ts';
import { openWorld, type World } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';
import { images } from '../helpers/docker-names.ts';
import { docker } from '../helpers/docker.ts';

const NAMES =
  'web pair api api.corp.test api.corp db.eu db.eu.corp.test fixed.test fixed both.test two.test v6.test outer.example.com localhost nothing.invalid nothing door-host ip6-loopback'.split(
    ' ',
  );
/** They cannot be targets beside the same without the dot. */
const COMPLETE = ['web.', 'api.corp.test.', 'db.eu.', 'fixed.test.'];
const ALL = [...NAMES, ...COMPLETE];
const HOSTS = [
  { host: 'fixed.test', ipAddress: '192.0.2.1' },
  { host: 'both.test', ipAddress: '192.0.2.2' },
  { host: 'two.test', ipAddress: '192.0.2.3' },
  { host: 'two.test', ipAddress: '192.0.2.4' },
  { host: 'two.test', ipAddress: '2001:db8::4' },
  { host: 'v6.test', ipAddress: '2001:db8::6' },
];

describe.skipIf(noDocker)('the container’s own resolver', () => {
  let world: World;
  let nameserver: string;
  let web: StartedTestContainer;

  beforeAll(async () => {
    world = await openWorld();
    const known = {
      'outer.example.com': '198.51.100.1',
      'both.test': '198.51.100.2',
      'db.eu.corp.test': '198.51.100.3',
    };
    nameserver = world.outsideAddress(await world.start(dnsmasq(known), { outside: ['names'] }));
    web = await world.start(nginx('alive'), { outside: ['web', 'pair', 'api.corp.test'] });
    await world.start(app(), { outside: ['pair'] });
  });
  afterAll(() => world.close());

  const startDoor = async (options: string[], nsswitch: string) =>
    world.start(
      unprobedRelay({ TARGET: 'web', PORT: '80' })
        .withExtraHosts(HOSTS)
        .withHostname('door-host')
        .withDns({ servers: [nameserver], search: ['corp.test', 'eu.corp.test'], options })
        .withCopyContentToContainer([{ target: '/etc/nsswitch.conf', content: `${nsswitch}\n` }]),
      { outside: [] },
    );

  /** What the relay would dial, by name. */
  async function askDoor(door: StartedTestContainer): Promise<Record<string, string[]>> {
    const outputs = [NAMES, COMPLETE].map(async (names) => {
      const env = { TARGET: names.join(' '), TARGET_SCOPE: 'any' };
      return (await door.exec(['sallyport', 'resolve'], { env })).output;
    });
    const said = (await Promise.all(outputs))
      .join('\n')
      .matchAll(/^(\S+) A.*, PRE_RESOLVE=0|The relay dials (.*) \(by/gm);
    const found: Record<string, string[]> = {};
    let last = '';
    for (const [, name, dialled] of said) {
      if (name !== undefined) last = name;
      found[last] = dialled?.split(', ').toSorted() ?? [];
    }
    return found;
  }

  /** What glibc says in a container that shares the door's network, /etc/hosts and /etc/resolv.conf. */
  async function askGlibc(door: StartedTestContainer, nsswitch: string): Promise<Record<string, string[]>> {
    const script = `echo '${nsswitch}' >/etc/nsswitch.conf; for name in ${ALL.join(' ')}; do getent ahosts "$name" | sed "s/^/$name /"; done; true`;
    const shared = ['run', '--rm', '--network', `container:${door.getId()}`, images.peers];
    const lines = (await docker(...shared, 'sh', '-c', script)).split('\n').map((line) => line.split(/\s+/));
    const found = ALL.map((name) => {
      const addresses = lines.flatMap(([asked, address]) => (asked === name ? [address ?? ''] : []));
      return [name, [...new Set(addresses)].toSorted()] as const;
    });
    return Object.fromEntries(found);
  }

  test.each([
    ['Docker’s own options', [], 'hosts: files dns'],
    ['ndots:1', ['ndots:1'], 'hosts: files dns'],
    ['ndots:5', ['ndots:5', 'timeout:3', 'attempts:1'], 'hosts: files dns'],
    ['dns before files', [], 'hosts: dns files'],
    ['modules that are not there', [], 'hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns'],
    ['files [NOTFOUND=return]', [], 'hosts: files [NOTFOUND=return] dns'],
  ])('says what glibc says: %s', async (_, options, nsswitch) => {
    const door = await startDoor(options, nsswitch);
    const [ours, glibc] = await Promise.all([askDoor(door), askGlibc(door, nsswitch)]);
    expect(ours).toEqual(glibc);
    expect(glibc['fixed.test']).toEqual(['192.0.2.1']);
    expect(glibc['nothing.invalid']).toEqual([]);
  });

  test('finds containers, rotated ones too, extra_hosts, and names behind Docker’s nameserver', async () => {
    const found = await askDoor(await startDoor([], 'hosts: files dns'));
    expect(found).toMatchObject({
      api: found['api.corp.test'],
      'both.test': ['192.0.2.2'],
      'outer.example.com': ['198.51.100.1'],
      'db.eu': ['198.51.100.3'],
    });
    expect(found['web']).toHaveLength(1);
    expect(found['pair']).toHaveLength(2);
    expect(found['pair']).toEqual(expect.arrayContaining(found['web'] ?? []));
  });

  test('follows /etc/resolv.conf, which Docker changes when a running container gets its first network of its own', async () => {
    const door = await world.start(unprobedRelay({ TARGET: 'web', PORT: '80' }), {});
    const get = `fetch('http://127.0.0.1/').then((answer) => answer.text()).then(console.log, () => console.log('none'))`;
    const call = async () => (await door.exec(['node', '-e', get])).stdout.trim();
    expect(await call()).toBe('none');

    const format = '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}';
    const network = await docker('inspect', '--format', format, web.getId());
    await docker('network', 'connect', network, door.getId());
    expect(await call()).toBe('alive');
  });
});
