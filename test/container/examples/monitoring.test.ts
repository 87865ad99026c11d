import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { notConnected } from '../../helpers/container-curl.ts';
import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';
import { filledIn, queries, rules } from '../../helpers/monitoring-example.ts';

/** Any free port of the host. */
const PROMETHEUS_PORT = '0';

describe.skipIf(noDocker)('examples/monitoring', () => {
  let example: Composed;

  const curl = (...args: string[]) =>
    example.exec('app', 'curl', '--silent', '--show-error', '--max-time', '5', ...args);
  /** As the README asks; a line for each series. */
  const query = async (asked: string) => {
    const command = ['promtool', 'query', 'instant', 'http://localhost:9090', asked];
    return (await example.exec('prometheus', ...command)).output.trim();
  };

  beforeAll(async () => {
    const built = ['app', 'door', 'prometheus', 'demo-target'];
    example = await bringUp('monitoring', { built }, { PROMETHEUS_PORT });
    const hasTarget = async () => (await example.exec('demo-target', 'curl', 'http://localhost/')).code === 0;
    await vi.waitUntil(hasTarget, { timeout: 20_000, interval: 500 });
    const isUp = async () =>
      (await curl('--fail', 'http://api.example.com/')).code === 0 && (await query('up')).includes('=> 1 @');
    await vi.waitUntil(isUp, { timeout: 60_000, interval: 500 });
  });
  afterAll(() => example.down());

  test('Prometheus has all alerts, and none of them fires for a door at work', async () => {
    const published = (await example.command('port', 'prometheus', '9090')).trim();
    const response = await fetch(`http://${published}/api/v1/rules`);
    const { data } = (await response.json()) as { data: { groups: { rules: { name: string }[] }[] } };
    const names = data.groups.flatMap((group) => group.rules.map(({ name }) => name));
    expect(names).toEqual(rules.map(({ alert }) => alert));
    // If the door was still starting when it was asked first, an alert is pending until the rules are evaluated again.
    await expect.poll(() => query('ALERTS'), { timeout: 20_000, interval: 1_000 }).toBe('');
  });

  test('a refusal is an alert', async () => {
    const refused = await curl('--header', 'Host: other.example.com', 'http://api.example.com/');
    expect(refused.stdout).toContain('not in TARGET');
    await expect
      .poll(() => query('ALERTS{alertstate="firing"}'), { timeout: 30_000, interval: 1_000 })
      .toMatch(/^ALERTS\{alertname="SallyportRefusals",.* reason="not in TARGET",/);
  });

  test('the dashboard shows what the app did', async () => {
    const bytes = queries.find(({ title }) => title === 'Bytes')?.expr ?? '';
    const shown = async () => {
      await curl('http://api.example.com/');
      return query(`${filledIn(bytes)} > 0`);
    };
    await expect.poll(shown, { timeout: 30_000, interval: 1_000 }).toMatch(/direction="sent"/);
  });

  test('the app reaches neither the metrics nor Prometheus', async () => {
    const code: unknown = expect.toBeOneOf(notConnected);
    const prometheus = await example.address('prometheus');
    for (const url of [
      'http://10.53.7.53:9100/metrics',
      'http://10.53.8.53:9100/',
      `http://${prometheus}:9090/`,
    ])
      expect(await curl('--max-time', '2', url)).toMatchObject({ code });
  });
});
