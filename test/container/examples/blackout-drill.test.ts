import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';
import { docker } from '../../helpers/docker.ts';

const ANSWER = 'demo-target answers for api.example.com\n';

describe.skipIf(noDocker)('examples/blackout-drill', () => {
  let example: Composed;

  const curl = (...args: string[]) =>
    example.exec('app', 'curl', '--silent', '--max-time', '20', ...args, 'http://api.example.com/');
  const blackout = (...args: string[]) => example.exec('door', 'sallyport', 'blackout', ...args);
  const healthcheck = () => example.exec('door', 'healthcheck');
  const startedAt = async () =>
    await docker('inspect', '--format', '{{.State.StartedAt}}', await example.container('door'));

  beforeAll(async () => {
    example = await bringUp('blackout-drill', { built: ['app', 'door', 'demo-target'] });
    await vi.waitUntil(async () => (await healthcheck()).code === 0, { timeout: 20_000 });
  });
  afterAll(() => example.down());

  test('cuts the app off and lets it in again, with nothing restarted', async () => {
    const running = await startedAt();
    expect((await curl()).stdout).toBe(ANSWER);

    expect(await blackout('on')).toMatchObject({ code: 0 });
    // Curl's codes for a reset before, while and after it sends its request.
    const reset: unknown = expect.toBeOneOf([7, 55, 56]);
    expect(await curl()).toMatchObject({ code: reset, stdout: '' });
    expect(await healthcheck()).toMatchObject({ code: 0, output: expect.stringMatching(/blackout/) });

    expect(await blackout('off')).toMatchObject({ code: 0 });
    expect((await curl()).stdout).toBe(ANSWER);
    expect(await startedAt()).toBe(running);
  });

  test('ends by itself, and an app that tries again gets its answer', async () => {
    expect(await blackout('on', '--for', '12s')).toMatchObject({ code: 0 });
    const patient = await curl('--no-silent', '--retry', '60', '--retry-delay', '1', '--retry-all-errors');
    expect(patient).toMatchObject({ stdout: ANSWER, output: expect.stringMatching(/will retry/i) });
  });
});
