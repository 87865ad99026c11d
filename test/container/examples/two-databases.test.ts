import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';

describe.skipIf(noDocker)('examples/two-databases', () => {
  let example: Composed;

  const ask = (name: string) =>
    example.exec(
      'app',
      'psql',
      `--host=${name}`,
      '--username=postgres',
      '-tA',
      '--command=SHOW cluster_name',
    );

  beforeAll(async () => {
    example = await bringUp('two-databases', { built: ['app', 'door', 'demo-one', 'demo-two'] });
    const isUp = async () =>
      (await ask('one.example.com')).code === 0 && (await ask('two.example.com')).code === 0;
    await vi.waitUntil(isUp, { timeout: 40_000 });
  });
  afterAll(() => example.down());

  test('leads to each database at its own address, on one port', async () => {
    expect(await ask('one.example.com')).toMatchObject({ code: 0, stdout: 'one\n' });
    expect(await ask('two.example.com')).toMatchObject({ code: 0, stdout: 'two\n' });
    const { stdout } = await example.exec('app', 'getent', 'hosts', 'one.example.com', 'two.example.com');
    const addresses = stdout.match(/^10\.53\.3\.\d+/gm) ?? [];
    expect(new Set(addresses).size).toBe(2);
  });

  test('has the kernel relay', async () => {
    const relayed = async () => {
      await ask('one.example.com');
      const { stdout } = await example.exec('door', 'conntrack', '-L', '--mark', '0x73000000/0xff000000');
      return stdout;
    };
    await expect.poll(relayed).toContain('dport=5432');
    expect((await example.exec('door', 'sallyport', 'status')).stdout).toMatch(
      /the kernel takes new clients.*REACHED AT.*10\.53\.3\.\d+/s,
    );
  });

  test('is healthy, and has no problem', async () => {
    expect(await example.exec('door', 'healthcheck')).toMatchObject({
      code: 0,
      stdout: 'healthy; the kernel takes new clients by 2 lanes\n',
    });
    expect(await example.exec('door', 'sallyport', 'check')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^No problem was found\./),
    });
  });
});
