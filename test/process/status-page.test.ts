import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

import { expect, test } from 'vitest';

import type { Answer } from '../../src/control/protocol.ts';
import { startRelayTo } from '../helpers/program.ts';
import { closedPort, endOf, tcpClient } from '../helpers/sockets.ts';

/** What the admin port answers at a path, to a client that calls it by this name. */
async function get(port: number, path: string, { host = 'localhost', method = 'GET' } = {}) {
  const asked = request({ host: '127.0.0.1', port, path, method, headers: { host } }).end();
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  asked.once('response', resolve).once('error', reject);
  const response = await promise;
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** A relay with pages that has refused one name. */
async function refusingRelay() {
  const admin = await closedPort();
  const { relay, port } = await startRelayTo(await closedPort(), {
    TARGET: 'localhost',
    TARGET_SCOPE: 'any',
    PRE_RESOLVE: '0',
    NAME_CHECK: 'enforce',
    ADMIN_PORT: String(admin),
  });
  const client = await tcpClient(port);
  client.write('GET / HTTP/1.1\r\nHost: other.test\r\n\r\n');
  await endOf(client.resume());
  return { relay, port, admin };
}

test('/status.json tells the status, the newest refusals and the names that were asked for', async () => {
  const { port, admin } = await refusingRelay();
  const { status, headers, body } = await get(admin, '/status.json');
  expect(status).toBe(200);
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  const told = JSON.parse(body) as Answer;
  expect(told.ports).toMatchObject([{ port, protocol: 'tcp', refused: 1 }]);
  expect(told.refusals).toMatchObject([{ port, name: 'other.test', rule: 'not in TARGET', count: 1 }]);
  expect(told.asked?.names).toMatchObject([{ name: 'other.test', port }]);
  expect(told.asked?.missing).toContain('other.test');
});

test('/status.json is told by an address or a name without a dot alone, and is only read', async () => {
  const { admin } = await refusingRelay();
  const statusBy = async (host: string) => (await get(admin, '/status.json', { host })).status;
  for (const host of ['localhost', `localhost:${admin}`, '10.0.0.2:9', '[::1]:9', 'door'])
    expect([host, await statusBy(host)]).toEqual([host, 200]);
  for (const host of ['evil.test', 'evil.test:9', '127.0.0.1.evil.test', 'evil.'])
    expect([host, await statusBy(host)]).toEqual([host, 421]);
  expect((await get(admin, '/status.json', { method: 'POST' })).status).toBe(405);
  expect(await get(admin, '/status.json', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
});
