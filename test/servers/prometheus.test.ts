import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { startDaemon } from '../helpers/daemon.ts';
import { ask } from '../helpers/metrics.ts';
import { startSallyport, temporaryDirectory } from '../helpers/program.ts';
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
  const directory = temporaryDirectory();
  const web = await closedPort();
  writeFileSync(
    join(directory, 'prometheus.yml'),
    `scrape_configs: [{ job_name: door, scrape_interval: 1s, static_configs: [{ targets: ['127.0.0.1:${admin}'] }] }]`,
  );
  await startDaemon(
    '/usr/bin/prometheus',
    [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${web}`,
    ],
    { ready: 'Server is ready to receive web requests' },
  );
  const query = async (asked: string) => {
    const response = await fetch(`http://127.0.0.1:${web}/api/v1/query?query=${encodeURIComponent(asked)}`);
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
    return data.result.map(({ value: [, value] }) => value);
  };
  await expect.poll(() => query('up{job="door"}'), { timeout: 20_000 }).toEqual(['1']);
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
