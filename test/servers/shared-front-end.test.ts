import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';

import { expect, onTestFinished, test } from 'vitest';

import { type Door, type FrontEnd, startDoor, startFrontEnd } from '../helpers/front-end.ts';
import { stopForWarnings } from '../helpers/program.ts';
import { run } from '../helpers/run.ts';
import { readSome, tcpClient, tcpServer, unread } from '../helpers/sockets.ts';

/** Asks for a name, or for none, and tells what came of it: the tenant that answered, or why none did. */
type Client = (name: string | null, world: World) => Promise<string>;
type World = Door & Pick<FrontEnd, 'ca'>;

const curl = async (...args: readonly string[]): Promise<string> => {
  const quiet = ['--silent', '--show-error', '--max-time', '10', '--noproxy', '*'];
  const { code, stdout, output } = await run('curl', [...quiet, '--write-out', '%{http_code}', ...args]);
  if (code !== 0) return alertIn(output);
  const [, text = '', status] = /^(.*)\n(\d+)$/s.exec(stdout) ?? [];
  return status === '200' ? text : `${status} ${text}`;
};

/** A client that has no name goes by the address: then it sends no server_name. */
const curlTls =
  (version: string): Client =>
  (name, { tls, ca }) => {
    const options = [version, '--cacert', ca, '--connect-to', `::127.0.0.1:${tls}`];
    return name === null
      ? curl(...options, '--insecure', 'https://127.0.0.1/')
      : curl(...options, `https://${name}/`);
  };

const openssl: Client = async (name, { tls }) => {
  const naming = name === null ? ['-noservername'] : ['-servername', name];
  const args = ['s_client', '-quiet', '-connect', `127.0.0.1:${tls}`, ...naming];
  const { stdout, output } = await run('openssl', args, { input: requestFor(name), timeout: 10_000 });
  return /\r\n\r\n(.+)\n$/.exec(stdout)?.[1] ?? alertIn(output);
};

/** What an Ethernet's segment holds, in bytes. */
const SEGMENT = 1_400;

/** Node's hello with a post-quantum key share, cut into segments: in one go loopback would take it whole. */
const postQuantum: Client = async (name, { tls, ca }) => {
  let hello = 0;
  let sent = Promise.resolve();
  const upstream = (await tcpClient(tls)).setNoDelay();
  const { port } = await tcpServer((client) => {
    upstream.pipe(client);
    client.once('close', () => upstream.destroy());
    client.once('data', (first: Buffer) => (hello = first.length));
    client.on('data', (chunk: Buffer) => {
      sent = sent.then(() => writeInSegments(upstream, chunk));
    });
  });
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    servername: name ?? '',
    ca: readFileSync(ca),
    // The front end has only the second: it asks for another hello.
    ecdhCurve: 'X25519MLKEM768:P-256',
    rejectUnauthorized: name !== null,
  });
  onTestFinished(() => void socket.destroy());
  socket.write(requestFor(name));
  const answer = await socket
    .setEncoding('utf8')
    .reduce((all: string, part: string) => all + part, '')
    .catch(({ message }: Error) => alertIn(message));
  expect(hello).toBeGreaterThan(SEGMENT);
  return answer.split('\r\n\r\n').at(-1)?.trim() ?? '';
};

/** Each segment goes when the one before it has been read. */
async function writeInSegments(socket: Socket, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += SEGMENT) {
    socket.write(bytes.subarray(at, at + SEGMENT));
    const isRead = () => socket.destroyed || unread(socket.localPort, socket.remotePort ?? 0) === 0;
    await expect.poll(isRead, { interval: 1 }).toBe(true);
  }
}

/** Recorded, as test/fixtures/hellos/README.md tells; for api.test. */
const CHROMIUM = Buffer.from(
  readFileSync(join(import.meta.dirname, '../fixtures/hellos/chromium-156.hex'), 'latin1').replaceAll(
    '\n',
    '',
  ),
  'hex',
);
/** From the extension's type to the name (RFC 6066 §3). */
const BEFORE_NAME = 9;
const GREASE = 0x0a_0a;

/** Nobody holds the keys to that hello: that the front end has taken it must do. */
const chromium: Client = async (name, { tls }) => {
  const hello = Buffer.from(CHROMIUM);
  const at = hello.indexOf('api.test');
  if (name === null) hello.writeUInt16BE(GREASE, at - BEFORE_NAME);
  else hello.write(name, at, 'latin1');
  const client = await tcpClient(tls);
  await writeInSegments(client, hello);
  const answer = await readSome(client, 7);
  client.destroy();
  if (answer[0] === 22) return 'a ServerHello';
  return answer.subarray(5).equals(Buffer.of(2, 112)) ? 'unrecognized_name' : answer.toString('hex');
};

function requestFor(name: string | null): string {
  return `GET / HTTP/1.0\r\n${name === null ? '' : `Host: ${name}\r\n`}\r\n`;
}

/** What programs make of the one alert that the relay sends here. */
function alertIn(output: string): string {
  return /unrecognized.name/i.test(output) ? 'unrecognized_name' : output;
}

const clients: Readonly<Record<string, Client>> = {
  // In HTTP/1.1 the front end would refuse a request without Host by itself.
  'curl, HTTP/1': (name, { plain }) =>
    name === null
      ? curl('--http1.0', '--header', 'Host:', `http://127.0.0.1:${plain}/`)
      : curl('--connect-to', `::127.0.0.1:${plain}`, '--header', `Host: ${name}`, `http://${name}/`),
  'curl, HTTP/1.1 over TLS': curlTls('--http1.1'),
  'curl, HTTP/2 over TLS': curlTls('--http2'),
  'curl --resolve': (name, { tls, ca }) =>
    name === null
      ? curl('--insecure', `https://127.0.0.1:${tls}/`)
      : curl('--cacert', ca, '--resolve', `${name}:${tls}:127.0.0.1`, `https://${name}:${tls}/`),
  'openssl s_client': openssl,
  'Node, with X25519MLKEM768': postQuantum,
  'Chromium, with GREASE': chromium,
};

const PASSED = { right: 'api.test', upper: 'api.test', other: 'bad.test', none: 'nobody' };
const REFUSED = { ...PASSED, other: 'unrecognized_name', none: 'unrecognized_name' };
/** What becomes of each client's requests: with api.test, with API.TEST, with the other tenant's name and without a name. */
const PASSED_BY_CLIENT = {
  ...Object.fromEntries(Object.keys(clients).map((client) => [client, PASSED])),
  'Chromium, with GREASE': Object.fromEntries(Object.keys(PASSED).map((name) => [name, 'a ServerHello'])),
};
const REFUSED_BY_CLIENT = {
  ...Object.fromEntries(Object.keys(clients).map((client) => [client, REFUSED])),
  'curl, HTTP/1': { ...PASSED, other: '403 bad.test is not in TARGET', none: '400 there is no Host field' },
  'Chromium, with GREASE': { ...REFUSED, right: 'a ServerHello', upper: 'a ServerHello' },
};
/** What is logged of all clients, in alphabetical order. */
const ALL_BREACHES = ['bad.test: not in TARGET', 'null: no name'].flatMap((breach) =>
  Object.keys(clients).map(() => breach),
);

test.each([
  ['off', PASSED_BY_CLIENT, { tenants: ['api.test', 'bad.test', 'nobody'], said: [], decision: null }],
  [
    'report',
    PASSED_BY_CLIENT,
    { tenants: ['api.test', 'bad.test', 'nobody'], said: ALL_BREACHES, decision: 'would refuse' },
  ],
  ['enforce', REFUSED_BY_CLIENT, { tenants: ['api.test'], said: ALL_BREACHES, decision: 'refused' }],
])(
  'NAME_CHECK=%s: what clients get of tenants that share an address',
  { timeout: 60_000 },
  async (check, expected, { tenants, said, decision }) => {
    const frontEnd = await startFrontEnd();
    const door = await startDoor(frontEnd, { NAME_CHECK: check });
    const world = { ...door, ca: frontEnd.ca };
    const outcomes: Record<string, object> = {};
    for (const [name, ask] of Object.entries(clients)) {
      outcomes[name] = {
        right: await ask('api.test', world),
        upper: await ask('API.TEST', world),
        other: await ask('bad.test', world),
        none: await ask(null, world),
      };
    }
    expect(outcomes).toEqual(expected);

    const requests = await frontEnd.requests();
    expect([...new Set(requests.map(({ tenant }) => tenant))].toSorted()).toEqual(tenants);
    expect(requests.map(({ line }) => line)).toContain('GET / HTTP/2.0');
    // Some clients do send the capitals.
    expect(requests.map(({ sni }) => sni)).toContain('API.TEST');
    const warnings = await stopForWarnings(door.relay);
    expect(warnings.map(({ name, rule }) => `${String(name)}: ${String(rule)}`).toSorted()).toEqual(said);
    expect(warnings.every((line) => line['decision'] === decision)).toBe(true);
  },
);

test.each([
  ['off', 'bad.test', 0, []],
  ['report', 'bad.test', 0, ['would refuse']],
  ['enforce', '', 16, ['refused']],
])(
  'NAME_CHECK=%s: what becomes of HTTP/2 by prior knowledge, whose names cannot be told',
  async (check, answer, code, decisions) => {
    const frontEnd = await startFrontEnd();
    const { relay, plain } = await startDoor(
      { ...frontEnd, httpPort: frontEnd.h2cPort },
      { NAME_CHECK: check },
    );
    const knowing = ['--silent', '--http2-prior-knowledge', '--noproxy', '*'];
    const outcome = await run('curl', [
      ...knowing,
      '--header',
      'Host: bad.test',
      `http://127.0.0.1:${plain}/`,
    ]);
    expect([outcome.stdout.trim(), outcome.code]).toEqual([answer, code]);
    const warnings = () => relay.lines.filter(({ level }) => level === 'warn');
    await expect.poll(() => warnings().map((line) => line['decision'])).toEqual(decisions);
    expect(warnings().every((line) => line['rule'] === 'HTTP/2')).toBe(true);
    expect(await frontEnd.requests()).toHaveLength(code === 0 ? 1 : 0);
  },
);

test('several names and a wildcard in TARGET: each name leads to its own address, and other tenants there stay out of reach', async () => {
  const elsewhere = { 'www.test': '127.0.0.2', 'a.wild.test': '127.0.0.3', 'b.c.wild.test': '127.0.0.3' };
  const listed = { 'api.test': '127.0.0.1', ...elsewhere };
  const unlisted = { 'bad.test': '127.0.0.1', 'wild.test': '127.0.0.3', 'notwild.test': '127.0.0.3' };
  const frontEnd = await startFrontEnd({ ...listed, ...unlisted });
  const door = await startDoor(frontEnd, { TARGET: 'api.test www.test *.wild.test' });
  const world = { ...door, ca: frontEnd.ca };
  const asking = ['curl, HTTP/1', 'curl, HTTP/1.1 over TLS', 'curl, HTTP/2 over TLS'];
  for (const ask of asking.map((client) => clients[client] as Client)) {
    for (const name of Object.keys(listed)) {
      expect(await ask(name, world)).toBe(name);
      expect(await ask(name.toUpperCase(), world)).toBe(name);
    }
    for (const name of Object.keys(unlisted))
      expect(['unrecognized_name', `403 ${name} is not in TARGET`]).toContain(await ask(name, world));
  }
  const requests = await frontEnd.requests();
  expect(requests).toHaveLength(asking.length * Object.keys(listed).length * 2);
  const reached = Object.fromEntries(requests.map(({ tenant, address }) => [tenant, address]));
  expect(reached).toEqual(listed);
});

test('requests for several names on one connection: each goes to its own address, and none to another tenant', async () => {
  const frontEnd = await startFrontEnd({
    'api.test': '127.0.0.1',
    'www.test': '127.0.0.2',
    'bad.test': '127.0.0.2',
  });
  const { plain } = await startDoor(frontEnd, { TARGET: 'api.test www.test' });
  const urls = ['api', 'www', 'api', 'bad'].map((name) => `http://${name}.test/`);
  const { stdout } = await run('curl', ['--silent', '--proxy', `127.0.0.1:${plain}`, ...urls]);
  expect(stdout).toBe('api.test\nwww.test\napi.test\nbad.test is not in TARGET\n');
  const requests = await frontEnd.requests();
  expect(requests.map(({ tenant, address }) => [tenant, address])).toEqual([
    ['api.test', '127.0.0.1'],
    ['www.test', '127.0.0.2'],
    ['api.test', '127.0.0.1'],
  ]);
});
