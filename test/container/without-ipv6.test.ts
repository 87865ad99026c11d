import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { app, nginx, unbound } from '../helpers/container-peers.ts';
import { relay } from '../helpers/container-relay.ts';
import { openWorld, type World } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';

const AF_INET6 = 10;
const EAFNOSUPPORT = 97;

/** What socket() does under a kernel that was built or started without IPv6. */
const noIpv6 = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [
    {
      names: ['socket'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: EAFNOSUPPORT,
      args: [{ index: 0, value: AF_INET6, op: 'SCMP_CMP_EQ' }],
    },
  ],
};

const ipv4Relay = (environment: Record<string, string>) =>
  relay(environment).withSecurityOpt(`seccomp=${JSON.stringify(noIpv6)}`);

describe.skipIf(noDocker)('on a host without IPv6', () => {
  let world: World;
  let client: StartedTestContainer;

  beforeAll(async () => {
    world = await openWorld();
    client = await world.start(app(), { inside: [] });
  });
  afterAll(() => world.close());

  test('TCP is relayed', async () => {
    await world.start(nginx('alive'), { outside: ['web'] });
    const door = await world.start(ipv4Relay({ TARGET: 'web', PORT: '80' }), {
      inside: ['api.example.com'],
      outside: [],
    });

    const probe = "net.createServer().on('error', (error) => console.log(error.code)).listen(0, '::')";
    expect((await door.exec(['node', '-e', probe])).output).toMatch(/EAFNOSUPPORT/);
    expect((await client.exec(['curl', '--silent', 'http://api.example.com/'])).stdout).toBe('alive');
  });

  test('UDP is relayed', async () => {
    await world.start(unbound({ 'hello.example.com': '192.0.2.7' }), { outside: ['names'] });
    const environment = { TARGET: 'names', PORT: '53', MODE: 'udp' };
    await world.start(ipv4Relay(environment), { inside: ['names.example.com'], outside: [] });

    const { stdout } = await client.exec(['dig', '+short', '@names.example.com', 'hello.example.com']);
    expect(stdout.trim()).toBe('192.0.2.7');
  });
});
