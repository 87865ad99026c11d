import { expect, test } from 'vitest';

import { describeReach } from '../../healthcheck/past-relay.ts';
import { parseConfig } from '../../src/config/config.ts';
import type { Status } from '../../src/control/protocol.ts';
import { closedPort, tcpServer } from '../helpers/sockets.ts';

type Known = Parameters<typeof describeReach>[1];

const fastLane: Status['fastLane'] = { lanes: 1, trouble: null };
const db = (addresses: readonly string[]) => [{ name: 'db.test', addresses }] as unknown as Known['names'];
const configFor = (port: number, probe = 'db.test') =>
  parseConfig({
    TARGET: `db.test:${port} other.test:${port + 1}`,
    PRE_RESOLVE: '1',
    HTTP_HEALTHCHECK: '1',
    HTTP_HEALTHCHECK_URL: `http://${probe}:${probe === 'db.test' ? port : port + 1}`,
  });

test('describeReach() connects past the relay to what a probe asks', async () => {
  const { port } = await tcpServer(() => {});
  const reach = await describeReach(configFor(port), { fastLane, names: db(['127.0.0.2', '127.0.0.1']) });
  expect(reach).toEqual([`db.test:${port} is reached past the relay`]);
});

test('describeReach() tells why nothing is reached', async () => {
  const port = await closedPort();
  expect(await describeReach(configFor(port), { fastLane, names: db(['127.0.0.1']) })).toEqual([
    `db.test:${port} is not reached past the relay: connect ECONNREFUSED 127.0.0.1:${port}`,
  ]);
});

test('describeReach() tells nothing without lanes, addresses or a probe of that name', async () => {
  const { port } = await tcpServer(() => {});
  const names = db(['127.0.0.1']);
  expect(await describeReach(configFor(port), { fastLane: null, names })).toEqual([]);
  expect(await describeReach(configFor(port), { fastLane, names: db([]) })).toEqual([]);
  expect(await describeReach(configFor(port, 'other.test'), { fastLane, names })).toEqual([]);
});
