import type { Socket } from 'node:net';

import { expect, test } from 'vitest';

import { chooseByName } from '../../../src/relay/names/choose.ts';
import { createNameCheck } from '../../../src/relay/serve/enforce-names.ts';
import { relayTo } from '../../../src/relay/serve/relay-to.ts';
import { NameReport } from '../../../src/relay/serve/report-names.ts';
import { clientHello } from '../../helpers/client-hello.ts';
import { findAmong } from '../../helpers/http-relay.ts';
import { localTarget, servingRelay, testLog } from '../../helpers/relay.ts';
import { endOf, readAll, readSome, tcpClient, tcpServer } from '../../helpers/sockets.ts';

const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex');
const GSSENC_REQUEST = Buffer.from('0000000804d21630', 'hex');
/** Version 3.0, and the user. */
const STARTUP = Buffer.from('00000012000300007573657200626f620000', 'hex');
const UNRECOGNIZED_NAME = '15030300020270';

/** Who api.test and db.test are, on a port. */
const rulesOf = (port: number) => ({
  choose: chooseByName(findAmong(['api.test', 'db.test'], port)),
  refuseEch: false,
});

type Answer = string | ((socket: Socket) => void);

/** A relay that checks names, to a server that answers what it hears, first an SSLRequest and then a hello, so; and what that has heard. */
async function checking(
  answers: readonly Answer[] = ['S', 'first '],
  options: Parameters<typeof servingRelay>[1] = {},
) {
  let heard = Buffer.alloc(0);
  const { port } = await tcpServer((socket) => {
    const left = [...answers];
    socket.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      const answer = left.shift() ?? '';
      if (typeof answer === 'string') socket.write(answer);
      else answer(socket);
    });
    socket.on('end', () => socket.end('last'));
  });
  const log = testLog();
  const failures: (string | null)[] = [];
  const check = createNameCheck();
  const relay = await servingRelay((connection) => check(connection, rulesOf(port)), {
    log,
    onDial: (failure) => failures.push(failure),
    ...options,
  });
  const connect = () => tcpClient(relay.port);
  return { relay, target: port, log, failures, connect, heard: () => heard };
}

test.each([1, 3, 8, 1_000])(
  'a PostgreSQL client is granted TLS, and relayed to the target that its hello names, from pieces of %d bytes',
  async (size) => {
    const { target, log, connect, heard } = await checking();
    const client = await connect();
    for (let at = 0; at < SSL_REQUEST.length; at += size) client.write(SSL_REQUEST.subarray(at, at + size));
    expect((await readSome(client)).toString()).toBe('S');
    const hello = Buffer.concat([clientHello({ names: ['db.test'] }), Buffer.from('more')]);
    for (let at = 0; at < hello.length; at += size) client.write(hello.subarray(at, at + size));
    expect((await readSome(client, 6)).toString()).toBe('first ');
    client.end();
    expect((await readAll(client)).toString()).toBe('last');
    expect(heard()).toEqual(Buffer.concat([SSL_REQUEST, hello]));
    expect((await log.line('connection ended')).fields).toMatchObject({
      target: `db.test:${target}`,
      sent: SSL_REQUEST.length + hello.length,
      received: 'Sfirst last'.length,
      ending: 'finished',
    });
  },
);

test('GSSAPI is denied to a PostgreSQL client, who then asks for TLS', async () => {
  const { connect, heard } = await checking();
  const client = await connect();
  client.write(GSSENC_REQUEST);
  expect((await readSome(client)).toString()).toBe('N');
  client.write(SSL_REQUEST);
  expect((await readSome(client)).toString()).toBe('S');
  client.write(clientHello());
  expect((await readSome(client, 6)).toString()).toBe('first ');
  expect(heard()).toEqual(Buffer.concat([SSL_REQUEST, clientHello()]));
});

test('a PostgreSQL client that names another is told so in TLS, and the target is not dialled', async () => {
  const { log, connect, heard, failures } = await checking();
  const client = await connect();
  client.write(SSL_REQUEST);
  await readSome(client);
  client.write(clientHello({ names: ['evil.test'] }));
  expect((await readAll(client)).toString('hex')).toBe(UNRECOGNIZED_NAME);
  expect((await log.line('refused')).fields).toMatchObject({ name: 'evil.test', rule: 'not in TARGET' });
  expect([heard().length, failures]).toEqual([0, []]);
});

test.each([
  ['without TLS', [STARTUP], 'it begins a PostgreSQL session without TLS'],
  [
    'without TLS, once GSSAPI is denied',
    [GSSENC_REQUEST, STARTUP],
    'it begins a PostgreSQL session without TLS',
  ],
  [
    'that asks for GSSAPI again',
    [GSSENC_REQUEST, GSSENC_REQUEST],
    'a PostgreSQL client does not ask for TLS',
  ],
  ['with another request', [Buffer.from('0000000804d2162e', 'hex')], 'it opens with neither TLS nor HTTP'],
])('a PostgreSQL client %s is reset', async (_what, parts, reason) => {
  const { log, connect } = await checking();
  const client = await connect();
  for (const [index, part] of parts.entries()) {
    client.write(part);
    if (index < parts.length - 1) await readSome(client);
  }
  expect(await endOf(client)).toBe('ECONNRESET');
  expect((await log.line('refused')).fields).toMatchObject({ rule: 'neither TLS nor HTTP', reason });
});

test.each<[string, Answer, string]>([
  ['N', 'N', 'it offers no TLS: it answers an SSLRequest with "N"'],
  ['an error', 'E...', 'it offers no TLS: it answers an SSLRequest with "E"'],
  ['more than S', 'Sx', 'it says more than its answer to an SSLRequest'],
  ['its end', (socket) => socket.end(), 'it ended after 0 bytes'],
  ['a reset', (socket) => socket.resetAndDestroy(), 'it ended after 0 bytes'],
  ['nothing', '', 'no answer within 2000 ms'],
])(
  'a target that answers an SSLRequest with %s is not reached: the client is reset',
  async (_what, answer, reason) => {
    const { target, log, connect, heard, failures } = await checking([answer], { connectTimeout: 2_000 });
    const client = await connect();
    client.write(SSL_REQUEST);
    await readSome(client);
    client.write(clientHello());
    expect(await endOf(client)).toBe('ECONNRESET');
    const { fields } = await log.line('target unreachable');
    expect(String(fields['err'])).toBe(`DialError: failed to connect to api.test:${target}: ${reason}`);
    expect(failures).toEqual([reason]);
    expect(heard()).toEqual(SSL_REQUEST);
  },
);

test('within a tunnel, a PostgreSQL client is granted TLS by the same target', async () => {
  const { target, connect, heard } = await checking(['HTTP/1.1 200 OK\r\n\r\n', 'S', 'first ']);
  const client = await connect();
  const head = `CONNECT api.test:${target} HTTP/1.1\r\nHost: api.test:${target}\r\n\r\n`;
  client.write(head);
  expect((await readSome(client, 19)).toString()).toBe('HTTP/1.1 200 OK\r\n\r\n');
  client.write(SSL_REQUEST);
  expect((await readSome(client)).toString()).toBe('S');
  client.write(clientHello());
  expect((await readSome(client, 6)).toString()).toBe('first ');
  expect(heard()).toEqual(Buffer.concat([Buffer.from(head), SSL_REQUEST, clientHello()]));
});

test('a report reads the hello behind an SSLRequest', async () => {
  const { port } = await tcpServer((socket) => {
    socket.once('data', () => socket.write('S'));
    socket.on('end', () => socket.end());
  });
  const log = testLog();
  const observe = (connection: ConstructorParameters<typeof NameReport>[0]) =>
    new NameReport(connection, rulesOf(port));
  const relay = await servingRelay(relayTo(localTarget(port), observe), { log, endLevel: null });
  const opened = [
    [SSL_REQUEST, clientHello({ names: ['evil.test'] })],
    [Buffer.concat([SSL_REQUEST, clientHello({ names: ['evil.test'] })])],
    [SSL_REQUEST, clientHello({ names: ['db.test'] })],
    [SSL_REQUEST, STARTUP],
  ];
  for (const parts of opened) {
    const client = await tcpClient(relay.port);
    for (const part of parts) {
      client.write(part);
      if (part === SSL_REQUEST) await readSome(client);
    }
    client.end();
    await endOf(client);
  }
  expect(log.lines.map(({ fields }) => [fields['name'], fields['rule'], fields['decision']])).toEqual([
    ['evil.test', 'not in TARGET', 'would refuse'],
    ['evil.test', 'not in TARGET', 'would refuse'],
    [null, 'neither TLS nor HTTP', 'would refuse'],
  ]);
});
