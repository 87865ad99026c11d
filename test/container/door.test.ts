import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { makeCertificates } from '../helpers/container-certificates.ts';
import { notConnected, notResolved } from '../helpers/container-curl.ts';
import { app, dnsmasq, nginx } from '../helpers/container-peers.ts';
import { relay } from '../helpers/container-relay.ts';
import { openWorld, type World } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';

const name = 'api.example.com';

describe.skipIf(noDocker)('an app on an internal network', () => {
  let world: World;
  let client: StartedTestContainer;
  let target: StartedTestContainer;
  let other: StartedTestContainer;
  let door: StartedTestContainer;

  beforeAll(async () => {
    world = await openWorld();
    client = await world.start(app(), { inside: [] });
    const certificates = await makeCertificates(client, name);
    target = await world.start(nginx('the target', certificates), { outside: [] });
    other = await world.start(nginx('another host'), { outside: ['other.example.com'] });
    const addresses = {
      [name]: world.outsideAddress(target),
      'other.example.com': world.outsideAddress(other),
    };
    const names = await world.start(dnsmasq(addresses), { outside: [] });
    const environment = { TARGET: name, PRE_RESOLVE: '1', NAMESERVERS: world.outsideAddress(names) };
    door = await world.start(relay(environment), { inside: [name], outside: [] });
  });
  afterAll(() => world.close());

  const curl = (...args: string[]) =>
    client.exec(['curl', '--silent', '--show-error', '--max-time', '3', ...args]);

  const resolve = async (wanted: string) =>
    (await client.exec(['dig', '+short', '+time=2', '+tries=1', wanted])).stdout.match(/^[\d.]+$/m)?.[0];

  test('reaches the target by its real name over HTTP', async () => {
    const { stdout, exitCode } = await curl(`http://${name}/`);
    expect({ stdout, exitCode }).toEqual({ stdout: 'the target', exitCode: 0 });
  });

  test('reaches the target over TLS with the certificate verified', async () => {
    const { stdout, exitCode } = await curl('--cacert', '/ca/ca.pem', `https://${name}/`);
    expect({ stdout, exitCode }).toEqual({ stdout: 'the target', exitCode: 0 });
  });

  test('is shown the target’s own certificate, so a client that does not trust its CA refuses', async () => {
    const { exitCode, stderr } = await curl(`https://${name}/`);
    expect(exitCode).toBe(60);
    expect(stderr).toMatch(/certificate/);
  });

  test('does not reach the target’s address directly, though others do', async () => {
    const url = `http://${world.outsideAddress(target)}/`;
    expect((await other.exec(['curl', '--silent', url])).stdout).toBe('the target');
    expect(notConnected).toContain((await curl(url)).exitCode);
  });

  test('does not reach another host, neither by name nor by address', async () => {
    expect(notResolved).toContain((await curl('http://other.example.com/')).exitCode);
    expect(notConnected).toContain((await curl(`http://${world.outsideAddress(other)}/`)).exitCode);
  });

  test('resolves the name of the door, and no name of the outside', async () => {
    expect(await resolve(name)).toBe(world.insideAddress(door));
    expect(await resolve('example.com')).toBeUndefined();
  });

  test('reaches no port that the door does not listen on', async () => {
    expect((await curl(`http://${name}:8080/`)).exitCode).toBe(7);
  });
});
