import { expect, test } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { runSallyport, startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, readAll, tcpClient, tcpServer } from '../helpers/sockets.ts';

const SECRET = 'S3cret';
const FIELDS = `Authorization: Basic ${SECRET}\r\nProxy-Authorization: Basic ${SECRET}\r\nCookie: a=${SECRET}\r\n`;

/** Request lines and fields, each refused somewhere, with a secret where a client may have one. */
const REQUESTS = [
  `GET http://alice:${SECRET}@good.test/ HTTP/1.1\r\nHost: good.test\r\n`,
  `GET http://alice:${SECRET}@evil.test:81/ HTTP/1.1\r\nHost: evil.test:81\r\n`,
  `GET http://alice:${SECRET}/x@good.test/ HTTP/1.1\r\nHost: good.test\r\n`,
  `GET http://alice:${SECRET}?x@good.test/ HTTP/1.1\r\nHost: good.test\r\n`,
  `GET http://${SECRET}@alice@good.test/ HTTP/1.1\r\nHost: good.test\r\n`,
  `GET https://alice:${SECRET}@good.test/ HTTP/1.1\r\nHost: good.test\r\n`,
  `GET https://good.test/?token=${SECRET} HTTP/1.1\r\nHost: good.test\r\n`,
  `GET http://evil.test/${SECRET}?token=${SECRET} HTTP/1.1\r\nHost: evil.test\r\n`,
  `GET http://good.test/?token=${SECRET}#x HTTP/1.1\r\nHost: good.test\r\n`,
  `GET /?token=${SECRET} HTTP/1.1\r\nHost: evil.test\r\n`,
  `GET /?token=${SECRET} HTTP/1.1\r\nHost: alice:${SECRET}@good.test\r\n`,
  `GET /?token=${SECRET} HTTP/1.1\r\nHost: good.test/?token=${SECRET}\r\n`,
  `GET / HTTP/1.1\r\nHost: alice:${SECRET}@good.test\r\nHost: good.test\r\n`,
  `GET http://good.test/ HTTP/1.1\r\nHost: alice:${SECRET}@evil.test\r\n`,
  `GET ?token=${SECRET} HTTP/1.1\r\nHost: good.test\r\n`,
  `GET /?token=${SECRET} HTTP/1.9\r\nHost: good.test\r\n`,
  `GET /?token=${SECRET} x HTTP/1.1\r\nHost: good.test\r\n`,
  `GET /?token=${SECRET} HTTP/1.1\r\nHost: good.test\r\n folded: ${SECRET}\r\n`,
  `GET /?token=${SECRET} HTTP/1.1\r\nHost: good.test\r\nConnection: host, ${SECRET}\r\n`,
  `GET /?token=${SECRET} HTTP/1.1\r\nHost: good.test\r\nExpect: ${SECRET}\r\n`,
  `GET /?token=${SECRET} HTTP/1.1\r\nHost: good.test\r\nTransfer-Encoding: ${SECRET}\r\n`,
  `CONNECT alice:${SECRET}@good.test:443 HTTP/1.1\r\nHost: good.test\r\n`,
  `CONNECT alice:${SECRET}@good.test HTTP/1.1\r\nHost: good.test\r\n`,
  `CONNECT https://alice:${SECRET}@good.test/?token=${SECRET} HTTP/1.1\r\nHost: good.test\r\n`,
  `CONNECT /api?token=${SECRET} HTTP/1.1\r\nHost: good.test\r\n`,
  `CONNECT good.test:443?token=${SECRET} HTTP/1.1\r\nHost: good.test\r\n`,
];

test.each([{ MODE: 'http-proxy' }, { NAME_CHECK: 'enforce' }, { NAME_CHECK: 'report' }])(
  'no password or query that a client sends is logged, shown or sent back (%j)',
  async (environment) => {
    const nameserver = await scriptedServer(zone([a('good.test', '127.0.0.1')]));
    const target = await tcpServer((socket) => void socket.once('data', () => socket.end()));
    const port = await closedPort();
    const isProxy = environment.MODE !== undefined;
    const SALLYPORT_RUN_DIR = temporaryDirectory();
    const relay = startSallyport({
      TARGET: 'good.test',
      PRE_RESOLVE: '1',
      TARGET_SCOPE: 'any',
      NAMESERVERS: `127.0.0.1:${nameserver.port}`,
      VERBOSE: '1',
      SALLYPORT_RUN_DIR,
      ...(isProxy ? { PORT: '80 443', LISTEN: String(port) } : { PORT: `${port}:${target.port}` }),
      ...environment,
    });
    await relay.line('listening');
    let said = '';
    for (const request of REQUESTS) {
      const client = await tcpClient(port);
      client.on('error', () => {}).write(`${request}${FIELDS}\r\n`);
      said += (await readAll(client).catch(() => '')).toString();
    }
    said += (await runSallyport(['status', '--json'], { SALLYPORT_RUN_DIR })).output;
    relay.process.kill('SIGTERM');
    said += (await relay.ended).output;
    expect(said).toContain('"decision"');
    expect(said.toLowerCase()).not.toContain(SECRET.toLowerCase());
    expect(said).not.toContain('token=');
  },
);

test('a refusal names the host that a URI with a password leads to', async () => {
  const port = await closedPort();
  const relay = startSallyport({ MODE: 'http-proxy', TARGET: 'good.test', LISTEN: String(port) });
  await relay.line('listening');
  const client = await tcpClient(port);
  client.write(`CONNECT alice:${SECRET}@good.test:443 HTTP/1.1\r\n\r\n`);
  expect((await readAll(client)).toString()).toMatch(/^HTTP\/1.1 400 /);
  expect(await relay.line('refused')).toMatchObject({ name: 'good.test:443', reason: 'that is no host' });
});
