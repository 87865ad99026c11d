import { expect, test } from 'vitest';

import { chooseByName } from '../../../src/relay/names/choose.ts';
import { relayTo } from '../../../src/relay/serve/relay-to.ts';
import { NameReport } from '../../../src/relay/serve/report-names.ts';
import { findAmong } from '../../helpers/http-relay.ts';
import { localTarget, servingRelay, testLog } from '../../helpers/relay.ts';
import { endOf, readSome, tcpClient, tcpServer } from '../../helpers/sockets.ts';

const GOOD = 'GET / HTTP/1.1\r\nHost: api.test\r\n\r\n';
const BAD = 'GET / HTTP/1.1\r\nHost: bad.test\r\n\r\n';

/** A relay that reports on names, api.test being listed, to a server that answers each read so; and what was reported. */
async function reporting(answer: string) {
  let received = '';
  const { port } = await tcpServer((socket) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      socket.write(answer);
    });
    socket.on('end', () => socket.end());
  });
  const log = testLog();
  const choose = chooseByName(findAmong(['api.test'], port));
  const observe = (connection: ConstructorParameters<typeof NameReport>[0]) =>
    new NameReport(connection, { choose, refuseEch: false });
  const relay = await servingRelay(relayTo(localTarget(port), observe), { log, endLevel: null });
  const reported = () => log.lines.map(({ fields }) => [fields['name'], fields['rule'], fields['decision']]);
  return { relay, port, reported, received: () => received };
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('a report passes all bytes on, and says of each request what a check would refuse', async () => {
  const { relay, reported, received } = await reporting(OK);
  const client = await tcpClient(relay.port);
  for (const text of [GOOD, BAD, GOOD.slice(0, 9), GOOD.slice(9), BAD + GOOD]) {
    client.write(text);
    await readSome(client, OK.length);
  }
  client.end();
  await endOf(client);
  expect(received()).toBe(GOOD + BAD + GOOD + BAD + GOOD);
  const refused = ['bad.test', 'not in TARGET', 'would refuse'];
  expect(reported()).toEqual([refused, refused]);
});

test.each([
  ['no request', 'nonsense\r\n\r\n', { name: null, rule: 'malformed', after: BAD }],
  [
    'a request that servers read differently',
    GOOD.replace('\r\n\r\n', '\r\nHost: x\r\n\r\n'),
    { name: 'api.test', rule: 'several names', after: BAD },
  ],
  ['neither TLS nor HTTP', '\x00', { name: null, rule: 'neither TLS nor HTTP', after: BAD }],
  ['half a head', 'GET / HTTP/1.1\r\nX', { name: null, rule: 'no name', after: '' }],
])(
  'a report says of %s once that it would be refused, and passes on what follows',
  async (_what, text, { name, rule, after }) => {
    const { relay, reported, received } = await reporting(OK);
    const client = await tcpClient(relay.port);
    client.write(text, 'latin1');
    await readSome(client, OK.length);
    client.end(after);
    await endOf(client);
    expect(received()).toBe(text + after);
    expect(reported()).toEqual([[name, rule, 'would refuse']]);
  },
);

test.each(['GET /', 'CONNECT api.test:PORT'])(
  'a report ends behind %s, as the protocol may change',
  async (line) => {
    const { relay, port, reported } = await reporting('HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n');
    const client = await tcpClient(relay.port);
    const upgrade = line === 'GET /' ? 'Connection: Upgrade\r\nUpgrade: x\r\n' : '';
    client.write(`${line.replace('PORT', String(port))} HTTP/1.1\r\nHost: api.test\r\n${upgrade}\r\n`);
    await readSome(client, 38);
    client.end(BAD);
    await endOf(client);
    expect(reported()).toEqual([]);
  },
);
