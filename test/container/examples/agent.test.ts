import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { notConnected } from '../../helpers/container-curl.ts';
import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';

/** Any free port of the host. */
const PAGE_PORT = '0';
const PAGE = '10.53.4.53:9000';

describe.skipIf(noDocker)('examples/agent', () => {
  let example: Composed;

  const curl = (...args: string[]) =>
    example.exec('agent', 'curl', '--silent', '--show-error', '--max-time', '5', ...args);
  const page = async (path: string) => {
    const published = (await example.command('port', 'door', '9000')).trim();
    const response = await fetch(`http://${published}${path}`, { signal: AbortSignal.timeout(5_000) });
    return await response.text();
  };

  beforeAll(async () => {
    example = await bringUp('agent', { built: ['agent', 'door', 'demo-forge'] }, { PAGE_PORT });
    await vi.waitUntil(async () => (await curl('https://api.example.com/')).code === 0, { timeout: 40_000 });
  });
  afterAll(() => example.down());

  test('the agent reaches its API, a registry with npm and a server with git', async () => {
    expect((await curl('https://api.example.com/')).stdout).toBe('demo-forge answers for api.example.com\n');
    expect(await example.exec('agent', 'npm', 'install', '--prefix', '/tmp/work', 'hello')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/added 1 package/),
    });
    const clone = ['git', 'clone', 'https://git.example.com/hello.git', '/tmp/hello'];
    expect(await example.exec('agent', ...clone)).toMatchObject({ code: 0 });
    expect((await example.exec('agent', 'cat', '/tmp/hello/index.js')).stdout).toContain('hello');
  });

  test('it reaches nobody else, by name, address or another name in its hello', async () => {
    expect(await curl('https://paste.example.com/')).toMatchObject({ code: 6 });
    const misled = await curl('--connect-to', '::git.example.com:443', 'https://paste.example.com/');
    expect(misled).toMatchObject({ code: 35, output: expect.stringMatching(/unrecognized name/) });
    expect(await curl('--max-time', '2', `https://${await example.address('demo-forge')}/`)).toMatchObject({
      code: expect.toBeOneOf(notConnected),
    });
  });

  test('whoever runs it sees what it was refused', async () => {
    expect((await example.exec('door', 'sallyport', 'names')).stdout).toMatch(
      /^paste\.example\.com +443 .* refused: not in TARGET$/m,
    );
    expect(await page('/metrics')).toMatch(/sallyport_name_refused_total\{name="paste\.example\.com"/);
  });

  test('the agent itself does not', async () => {
    for (const address of [PAGE, '10.53.3.53:9000'])
      expect(await curl('--max-time', '2', `http://${address}/metrics`)).toMatchObject({
        code: expect.toBeOneOf(notConnected),
      });
  });
});
