import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';
import { docker } from '../../helpers/docker.ts';

/** Any free port of the host. */
const PUBLISHED_PORT = '0';

describe.skipIf(noDocker)('examples/inward', () => {
  let example: Composed;

  /** What the published port answers to the host, which is outside of the example's networks; null: nothing. */
  async function ask(): Promise<string | null> {
    const published = (await example.command('port', 'door', '8080')).trim().replace('0.0.0.0', '127.0.0.1');
    const request = { headers: { connection: 'close' }, signal: AbortSignal.timeout(5_000) };
    return await fetch(`http://${published}/`, request).then(
      (response) => response.text(),
      () => null,
    );
  }

  const healthy = async () => (await example.exec('door', 'healthcheck')).code === 0;

  /** The network's gateway, from which the host's own clients come. */
  async function gateway(network: string): Promise<string> {
    const format = `{{(index .NetworkSettings.Networks "${example.project}_${network}").Gateway}}`;
    return await docker('inspect', '--format', format, await example.container('door'));
  }

  beforeAll(async () => {
    example = await bringUp('inward', { built: ['app', 'door'] }, { PUBLISHED_PORT });
    await vi.waitUntil(healthy, { timeout: 20_000 });
  });
  afterAll(() => example.down());

  test('lets a client in, and tells the app who it is', async () => {
    expect(await ask()).toBe(`hello, ${await gateway('outside')}\n`);
  });

  test('listens on IPv4 alone', async () => {
    const read = "fs.readFileSync('/proc/net/tcp6', 'utf8')";
    const { stdout } = await example.exec('door', 'node', '-p', read);
    expect(stdout).toMatch(/local_address/);
    // 0A is the state of a socket that listens.
    expect(stdout).not.toMatch(/ 0A /);
  });

  test('resets whoever comes from elsewhere, and logs it', async () => {
    await example.up({ PUBLISHED_PORT, ALLOW_FROM: '192.0.2.0/24' });
    await vi.waitUntil(healthy, { timeout: 20_000 });
    expect(await ask()).toBeNull();
    expect(await example.logs('door')).toMatch(/"rule":"source not allowed"/);
  });
});
