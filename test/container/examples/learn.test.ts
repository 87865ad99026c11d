import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';

describe.skipIf(noDocker)('examples/learn', () => {
  let example: Composed;
  let learned = '';

  const curl = (...args: string[]) =>
    example.exec('app', 'curl', '--silent', '--show-error', '--max-time', '5', ...args);
  const sallyport = (...args: string[]) => example.exec('door', 'sallyport', ...args);
  const webAnswers = async (url: string) => (await curl(url)).code === 0;

  beforeAll(async () => {
    example = await bringUp('learn', { built: ['app', 'door', 'demo-web'] });
    await vi.waitUntil(() => webAnswers('https://api.example.com/'), { timeout: 40_000 });
  });
  afterAll(() => example.down());

  test('lets everybody through who names a name, and says so', async () => {
    const { stdout } = await curl('https://api.example.com/', 'http://photos.s3.example.com/');
    expect(stdout).toBe('demo-web answers for api.example.com\ndemo-web answers for photos.s3.example.com\n');
    expect(await sallyport('status')).toMatchObject({ stdout: expect.stringContaining('guards nothing') });
    expect(await example.exec('door', 'healthcheck')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^healthy; NAME_CHECK=learn: .+; nothing is probed, as TARGET names nobody$/m,
      ),
    });
  });

  test('lists what was asked for, by DNS alone too', async () => {
    expect(await curl('https://telemetry.example.com:8443/')).toMatchObject({ code: 7 });
    const { stdout } = await sallyport('names');
    expect(stdout).toMatch(/^api\.example\.com +443 .* learned$/m);
    expect(stdout).toMatch(/^photos\.s3\.example\.com +80 .* learned$/m);
    expect(stdout).toMatch(/^telemetry\.example\.com .* learned$/m);
    learned = (await sallyport('names', '--target')).stdout.trim();
    expect(learned).toBe('api.example.com photos.s3.example.com');
  });

  test('with the list pasted lets the same through, and nobody else', async () => {
    await example.up({ NAME_CHECK: 'enforce', TARGET: learned });
    await vi.waitUntil(() => webAnswers('https://api.example.com/'), { timeout: 40_000 });
    expect((await curl('http://photos.s3.example.com/')).stdout).toBe(
      'demo-web answers for photos.s3.example.com\n',
    );
    expect(await curl('https://other.example.com/')).toMatchObject({ code: 6 });
    const misled = await curl('--connect-to', '::api.example.com:443', 'https://other.example.com/');
    expect(misled).toMatchObject({ code: 35 });
    expect(await example.exec('door', 'healthcheck')).toMatchObject({ code: 0, stdout: 'healthy\n' });
    expect((await sallyport('names', '--target')).stdout).toContain('other.example.com');
  });
});
