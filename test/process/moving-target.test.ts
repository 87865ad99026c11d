import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { greeter, steadyLoad } from '../helpers/load.ts';
import { startNamedRelay } from '../helpers/named-relay.ts';
import { closedPort, readSome } from '../helpers/sockets.ts';

/** The shortest that the relay takes, in s. */
const TTL = 5;
/** In ms: the relay may ask 0.5 s before the TTL ends, and has to be answered, to dial and to be greeted. */
const MOVED_WITHIN = (TTL + 1) * 1_000;

test('a target moves through ten addresses under load: no call fails, and live connections go on', async () => {
  const [first = '', ...others] = Array.from({ length: 10 }, (_, i) => `127.0.1.${i + 1}`);
  let address = first;
  const nameserver = await scriptedServer((...query) => zone([a('api.test', address, TTL)])(...query));
  const target = await closedPort();
  let server = await greeter(address, { host: address, port: target });
  const { port, connect } = await startNamedRelay(target, `127.0.0.1:${nameserver.port}`);
  const load = steadyLoad(port);
  await load.greeted(address);

  const live = [];
  for (const next of others) {
    const client = await connect();
    expect((await readSome(client, address.length + 1)).toString()).toBe(`${address}\n`);
    live.push(client);

    const successor = await greeter(next, { host: next, port: target });
    const movedAt = performance.now();
    address = next;
    expect((await load.greeted(next)).endedAt - movedAt).toBeLessThan(MOVED_WITHIN);
    await delay(movedAt + MOVED_WITHIN - performance.now());
    server.retire();
    server = successor;
  }
  await load.stop();

  expect(load.calls.filter(({ greeting }) => greeting === null)).toEqual([]);
  // Each 10 ms, give or take what else the machine does.
  expect(load.calls.length).toBeGreaterThan((others.length * MOVED_WITHIN) / 20);
  for (const client of live) {
    client.write('still here');
    expect((await readSome(client, 10)).toString()).toBe('still here');
  }
}, 90_000);
