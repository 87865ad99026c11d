import { connect } from 'node:net';

import { expect, test } from 'vitest';

import { ask } from '../helpers/metrics.ts';
import { startSallyport } from '../helpers/program.ts';
import { startPrometheus } from '../helpers/prometheus.ts';
import { run } from '../helpers/run.ts';
import { closedPort, errorOf, readAll, tcpClient, tcpServer } from '../helpers/sockets.ts';

/** A relay that tells metrics, after a client got `found` from one port and nothing from another. */
async function used(environment: Readonly<Record<string, string>> = {}) {
  const { port: target } = await tcpServer((socket) => socket.end('found'));
  const [port, dead, admin] = [await closedPort(), await closedPort(), await closedPort()];
  const relay = startSallyport({
    TARGET: '127.0.0.1',
    PORT: `${port}:${target} ${dead}:${await closedPort()}`,
    ADMIN_PORT: String(admin),
    ...environment,
  });
  await relay.line('listening');
  expect((await readAll(await tcpClient(port))).toString()).toBe('found');
  expect(await errorOf(connect(dead, '127.0.0.1'))).toBe('ECONNRESET');
  return { port, dead, admin };
}

test('prometheus scrapes the relay, and tells what the relay counted', async () => {
  const { port, dead, admin } = await used({ WORKERS: '2' });
  const prometheus = await startPrometheus(admin);
  const query = async (asked: string) => (await prometheus.query(asked)).map(({ value }) => value);
  await expect.poll(() => query('up{job="sallyport"}'), { timeout: 20_000 }).toEqual(['1']);
  expect(await query(`sallyport_bytes_total{port="${port}",direction="received"}`)).toEqual(['5']);
  expect(await query(`sallyport_refused_total{port="${dead}",reason="target unreachable"}`)).toEqual(['1']);
  expect(await query('sum(sallyport_connections_total)')).toEqual(['2']);
  const [slow] = await query(
    `histogram_quantile(1, sum by (le) (sallyport_connect_seconds_bucket{port="${port}"}))`,
  );
  expect(Number(slow)).toBeGreaterThan(0);
  expect(Number(slow)).toBeLessThanOrEqual(10);
});

test('promtool finds no fault in the metrics', async () => {
  const { admin } = await used();
  const { text } = await ask(admin, '/metrics');
  expect(text).toContain('sallyport_');
  expect(await run('promtool', ['check', 'metrics'], { input: text })).toMatchObject({ code: 0, output: '' });
});
