import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { app, nginx, systemdResolved } from '../helpers/container-peers.ts';
import { unprobedRelay } from '../helpers/container-relay.ts';
import { openWorld, type World } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';
import { docker } from '../helpers/docker.ts';

const KUBERNETES = ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];

describe.skipIf(noDocker).each([
  ['IPv4', {}, false],
  [
    'IPv4 and IPv6',
    { EnableIPv6: true, IPAM: { Driver: 'default', Config: [{ Subnet: 'fd83:53:1::/64' }] } },
    true,
  ],
])("the door's DNS, on a network with %s", (_, network, hasIpv6) => {
  let world: World;
  let door: StartedTestContainer;
  let addresses: string[];

  /** An app whose `dns:` is the door. */
  const startApp = (search: string[] = [], options: string[] = []) =>
    world.start(app().withDns({ servers: [world.insideAddress(door)], search, options }), { inside: [] });
  const ahosts = async (client: StartedTestContainer, name: string) => {
    const { stdout } = await client.exec(['getent', 'ahosts', name]);
    return [...new Set(stdout.split('\n').flatMap((line) => line.split(' ')[0] || []))].toSorted();
  };

  beforeAll(async () => {
    world = await openWorld(network);
    const environment = { TARGET: 'api.test *.wild.test', PORT: '443', DNS: '1' };
    door = await world.start(unprobedRelay(environment), { inside: [], outside: [] });
    const format = `{{with index .NetworkSettings.Networks "${world.inside}"}}{{.IPAddress}} {{.GlobalIPv6Address}}{{end}}`;
    addresses = (await docker('inspect', '--format', format, door.getId())).split(' ').filter(Boolean);
  });
  afterAll(() => world.close());

  test("an app finds by Docker's DNS what the door allows, and nothing else", async () => {
    expect(addresses).toHaveLength(hasIpv6 ? 2 : 1);
    const client = await startApp();
    expect(await ahosts(client, 'api.test')).toEqual(addresses);
    expect(await ahosts(client, 'a.b.wild.test')).toEqual(addresses);
    expect(await ahosts(client, 'other.test')).toEqual([]);
  });

  test('Docker passes each answer on as it is', async () => {
    const client = await startApp();
    const dig = async (...args: string[]) =>
      (await client.exec(['dig', '+tries=1', '+time=10', ...args])).stdout;
    expect(await client.exec(['cat', '/etc/resolv.conf'])).toMatchObject({
      stdout: expect.stringContaining('nameserver 127.0.0.11') as string,
    });
    for (const how of ['+notcp', '+tcp']) {
      expect((await dig(how, '+short', 'api.test', 'A', 'api.test', 'AAAA')).split(/\s+/)).toEqual([
        ...addresses,
        '',
      ]);
      expect(await dig(how, 'api.test', 'HTTPS')).toMatch(/status: NOERROR.*\n.*ANSWER: 0, AUTHORITY: 1/);
      expect(await dig(how, 'wild.test')).toMatch(/status: NOERROR.*\n.*ANSWER: 0, AUTHORITY: 1/);
      expect(await dig(how, 'other.test')).toMatch(/status: NXDOMAIN/);
    }
  });

  test('names are found by a search list, and whole ones behind it', async () => {
    const client = await startApp([...KUBERNETES, 'test'], ['ndots:5']);
    expect(await ahosts(client, 'api.test')).toEqual(addresses);
    expect(await ahosts(client, 'b.wild')).toEqual(addresses);
    expect(await ahosts(client, 'other')).toEqual([]);
  });

  test.each(['DNSSEC=no', 'DNSSEC=allow-downgrade'])('behind systemd-resolved, with %s', async (setting) => {
    const forwarder = systemdResolved(world.insideAddress(door), [setting]);
    const client = await world.start(forwarder, { inside: [] });
    const dig = async (...args: string[]) =>
      (await client.exec(['dig', '@127.0.0.53', '+tries=1', '+time=20', ...args])).stdout;
    expect((await dig('+short', 'api.test', 'A', 'api.test', 'AAAA')).split(/\s+/)).toEqual([
      ...addresses,
      '',
    ]);
    expect(await dig('+short', 'a.b.wild.test')).toBe(`${addresses[0]}\n`);
    for (const [name, status] of [
      ['wild.test', 'NOERROR'],
      ['other.test', 'NXDOMAIN'],
      ['api.test', 'NOERROR'],
    ] as const)
      expect(await dig(name, 'HTTPS')).toMatch(new RegExp(`status: ${status}.*\n.*ANSWER: 0`));
  });

  test("Docker's own names come first", async () => {
    const neighbour = await world.start(nginx('a neighbour'), { inside: ['web.elsewhere', 'c.wild.test'] });
    const client = await startApp();
    for (const name of ['web.elsewhere', 'c.wild.test'])
      expect(await ahosts(client, name)).toContain(world.insideAddress(neighbour));
  });
});
