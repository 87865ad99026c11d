import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { notResolved } from '../../helpers/container-curl.ts';
import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';

describe.skipIf(noDocker)('examples/many-domains', () => {
  let example: Composed;

  const curl = (...args: string[]) =>
    example.exec('app', 'curl', '--silent', '--show-error', '--max-time', '5', ...args);

  beforeAll(async () => {
    example = await bringUp('many-domains', {
      built: ['app', 'door', 'demo-api', 'demo-uploads', 'demo-names'],
    });
    const answers = async () => (await curl('http://api.example.com/')).code === 0;
    await vi.waitUntil(answers, { timeout: 20_000 });
  });
  afterAll(() => example.down());

  test.each(['http', 'https'])('leads each name to its own server by %s', async (scheme) => {
    const { stdout } = await curl(`${scheme}://api.example.com/`, `${scheme}://uploads.example.com/`);
    expect(stdout).toBe(
      'demo-api answers for api.example.com\ndemo-uploads answers for uploads.example.com\n',
    );
  });

  test('refuses a third name, in TLS and in HTTP, and logs it', async () => {
    const tls = await curl(
      '--connect-to',
      'other.example.com:443:api.example.com:443',
      'https://other.example.com/',
    );
    expect(tls).toMatchObject({ code: 35, output: expect.stringMatching(/unrecognized name/) });

    const http = await curl(
      '--write-out',
      '%{http_code}',
      '--header',
      'Host: other.example.com',
      'http://api.example.com/',
    );
    expect(http.stdout).toMatch(/403$/);
    expect(await example.logs('door')).toMatch(/"name":"other\.example\.com".*"decision":"refused"/);
  });

  test('has no way to the servers but the door', async () => {
    expect(await curl('--max-time', '2', 'http://demo-api/')).toMatchObject({
      code: expect.toBeOneOf(notResolved),
    });
  });
});
