import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';
import { syslogTo } from '../../helpers/syslog.ts';

describe.skipIf(noDocker)('examples/udp-syslog', () => {
  let example: Composed;

  beforeAll(async () => {
    example = await bringUp('udp-syslog', { built: ['app', 'door', 'demo-syslog'] });
    const healthy = async () => (await example.exec('door', 'healthcheck')).code === 0;
    await vi.waitUntil(healthy, { timeout: 20_000 });
  });
  afterAll(() => example.down());

  test('has a message arrive at the log server', async () => {
    const log = syslogTo(example, 'demo-syslog');
    await expect.poll(log, { timeout: 20_000, interval: 500 }).toMatch(/message \d+ from inside/);
  });

  test('has no way to the log server but the door', async () => {
    const direct = await example.exec('app', 'timeout', '2', 'getent', 'hosts', 'demo-syslog');
    expect(direct).toMatchObject({ code: expect.toBeOneOf([2, 124]), stdout: '' });
  });
});
