import { once } from 'node:events';

import { expect, test } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { ask, scrape } from '../helpers/metrics.ts';
import { startNamedRelay } from '../helpers/named-relay.ts';
import { runSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, tcpServer } from '../helpers/sockets.ts';

test('a relay whose name resolves is ready, and no longer when it drains, though it is alive', async () => {
  const { port: target, server } = await tcpServer((socket) =>
    socket.resume().once('end', () => socket.end()),
  );
  const nameserver = await scriptedServer(zone([a('api.test', '127.0.0.1', 300)]));
  const admin = await closedPort();
  const { relay, connect } = await startNamedRelay(target, `127.0.0.1:${nameserver.port}`, {
    ADMIN_PORT: String(admin),
  });
  await expect.poll(() => ask(admin, '/readyz')).toMatchObject({ status: 200, text: 'ready\n' });
  expect(await scrape(admin)).toMatchObject({
    'sallyport_dns_answer_age_seconds{name="api.test"}': expect.toSatisfy((age: number) => age < 30),
    'sallyport_dns_answer_ttl_seconds{name="api.test"}': 300,
    'sallyport_dns_problem{name="api.test"}': 0,
    sallyport_dns_lookup_seconds_count: 1,
    sallyport_dns_failures_total: 0,
  });

  const reached = once(server, 'connection');
  const client = await connect();
  await reached;
  relay.process.kill('SIGTERM');
  await relay.line('stopping');
  expect(await ask(admin, '/readyz')).toMatchObject({ status: 503, text: 'draining\n' });
  expect(await ask(admin, '/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
  client.destroy();
  expect((await relay.ended).code).toBe(0);
});

test('a relay whose name cannot be resolved is not ready, and counts the failures', async () => {
  const admin = await closedPort();
  const { relay } = await startNamedRelay(1, `127.0.0.1:${await closedPort()}`, {
    ADMIN_PORT: String(admin),
  });
  await relay.line('the name cannot be resolved; still trying');
  const { status, text } = await ask(admin, '/readyz');
  expect(status).toBe(503);
  expect(text).toMatch(/^api\.test has no address: no nameserver answers .*ECONNREFUSED.*\n$/);
  expect((await ask(admin, '/healthz')).status).toBe(200);
  const samples = await scrape(admin);
  expect(samples['sallyport_dns_failures_total']).toBeGreaterThan(0);
  expect(samples['sallyport_dns_problem{name="api.test"}']).toBe(1);
  expect(samples['sallyport_dns_lookup_seconds_count']).toBe(samples['sallyport_dns_failures_total']);
  expect(samples).not.toHaveProperty(['sallyport_dns_answer_age_seconds{name="api.test"}']);
});

test('with PRE_RESOLVE=0 a relay is ready without a name', async () => {
  const admin = await closedPort();
  await startNamedRelay(1, '127.0.0.1', { ADMIN_PORT: String(admin), PRE_RESOLVE: '0' });
  expect((await ask(admin, '/readyz')).status).toBe(200);
  expect(await scrape(admin)).not.toHaveProperty(['sallyport_dns_problem{name="api.test"}']);
});

test.each([['on'], ['on', '--drain']])(
  'a relay in a blackout (%j) is alive, not ready, and has a gauge',
  async (...how) => {
    const admin = await closedPort();
    const environment = {
      ADMIN_PORT: String(admin),
      PRE_RESOLVE: '0',
      SALLYPORT_RUN_DIR: temporaryDirectory(),
    };
    await startNamedRelay(1, '127.0.0.1', environment);
    const gauge = async () => (await scrape(admin))['sallyport_blackout'];
    expect(await gauge()).toBe(0);

    const blackout = (...args: readonly string[]) => runSallyport(['blackout', ...args], environment);
    expect((await blackout(...how)).code).toBe(0);
    expect(await gauge()).toBe(1);
    const { status, text } = await ask(admin, '/readyz');
    expect([status, text]).toEqual([
      503,
      expect.stringMatching(/^blackout (on|draining) since .* \(command\)\n$/),
    ]);
    expect((await ask(admin, '/healthz')).status).toBe(200);

    await blackout('off');
    expect(await gauge()).toBe(0);
    expect(await ask(admin, '/readyz')).toMatchObject({ status: 200, text: 'ready\n' });
  },
);
