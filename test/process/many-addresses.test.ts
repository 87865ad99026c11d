import * as dnsPacket from 'dns-packet';
import { expect, test } from 'vitest';

import { a, reply, scriptedServer, truncated } from '../helpers/dns.ts';
import { startNamedRelay } from '../helpers/named-relay.ts';
import { runSallyport } from '../helpers/program.ts';
import { closedPort, readAll } from '../helpers/sockets.ts';

/** What is still read, on one line of a log or a terminal. */
const READABLE = 4_096;
const COUNT = 2_000;
const ROUNDS = 4;

/** A nameserver that gives thousands of addresses, others each time, for no time at all. */
async function flooding(within: (turn: number, i: number) => string) {
  let turn = 0;
  const server = await scriptedServer((query, { over }) => {
    if (over === 'udp') return [truncated(query)];
    const isAsked = query.questions?.[0]?.type === 'A';
    if (isAsked) turn++;
    const answers = Array.from({ length: isAsked ? COUNT : 0 }, (_, i) => a('api.test', within(turn, i), 0));
    return [dnsPacket.streamEncode(reply(query, { answers }))];
  });
  return { nameservers: `127.0.0.1:${server.port}`, turns: () => turn };
}

test.each([
  ['any', (turn: number, i: number) => `127.${turn}.${i >> 8}.${i & 255}`, 'name resolved'],
  [
    'private',
    (turn: number, i: number) => `${i % 2 === 0 ? 127 : 255}.${turn}.${i >> 8}.${i & 255}`,
    'answers out of TARGET_SCOPE dropped',
  ],
])(
  'thousands of addresses, others in each answer, leave log, status and errors short (TARGET_SCOPE=%s)',
  async (TARGET_SCOPE, within, message) => {
    const { nameservers, turns } = await flooding(within);
    const { relay, connect } = await startNamedRelay(await closedPort(), nameservers, {
      TARGET_SCOPE,
      CONNECT_TIMEOUT_MS: '500',
      NAME_CHECK: 'enforce',
    });
    let shown = '';
    while (turns() < ROUNDS) {
      const client = await connect();
      client.write('GET / HTTP/1.1\r\nHost: api.test\r\n\r\n');
      shown += (await readAll(client)).toString();
    }
    const environment = {
      SALLYPORT_RUN_DIR: relay.runDir,
      TARGET: 'api.test',
      PRE_RESOLVE: '1',
      NAMESERVERS: nameservers,
      TARGET_SCOPE,
    };
    for (const command of ['status', 'resolve', 'check'])
      shown += (await runSallyport([command], environment)).output;
    relay.process.kill('SIGTERM');
    const { output } = await relay.ended;
    shown += output;

    expect(shown.split('\n').filter((line) => line.length > READABLE)).toEqual([]);
    expect(shown).toContain(`${COUNT - 32} more, left out`);
    expect(relay.lines).toContainEqual(
      expect.objectContaining({ msg: 'more addresses than are used', used: 32, leftOut: COUNT - 32 }),
    );
    expect(relay.lines.map(({ msg }) => msg)).toContain(message);
  },
);
