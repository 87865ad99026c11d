import type { Socket } from 'node:net';

import { expect, test } from 'vitest';

import { PROBE_SOURCE } from '../../../src/control/protocol.ts';
import { chooseByName } from '../../../src/relay/names/choose.ts';
import { createNameCheck } from '../../../src/relay/serve/enforce-names.ts';
import { clientHello } from '../../helpers/client-hello.ts';
import { localTarget, servingRelay, tcpRelay, testLog } from '../../helpers/relay.ts';
import { endOf, readAll, readSome, tcpClient, tcpServer } from '../../helpers/sockets.ts';

type Options = Parameters<typeof tcpRelay>[1];

const V2_PROXY = Buffer.from('0d0a0d0a000d0a515549540a21', 'hex');
const V2_LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');

/** The line that version 1 has for a client. */
function lineOf({ localAddress, localPort, remoteAddress, remotePort, localFamily }: Socket): string {
  const family = localFamily === 'IPv6' ? 'TCP6' : 'TCP4';
  return `PROXY ${family} ${localAddress} ${remoteAddress} ${localPort} ${remotePort}\r\n`;
}

/** A server that greets at once, and hands out all that each of its clients says. */
async function hearingServer(greeting = '') {
  const heard: Promise<Buffer>[] = [];
  const { port } = await tcpServer((socket) => {
    heard.push(readAll(socket).catch(() => Buffer.from('it was reset')));
    socket.write(greeting);
    socket.once('end', () => socket.end());
  });
  return { port, heard: async () => (await Promise.all(heard)).map((bytes) => bytes.toString('latin1')) };
}

test.each(['127.0.0.1', '::1'])(
  'a target hears who the client is before anything else: v1, %s',
  async (host) => {
    const server = await hearingServer();
    const log = testLog();
    const relay = await tcpRelay(localTarget(server.port), { proxyProtocol: 'v1', log });
    const client = await tcpClient(relay.port, { host });
    const line = lineOf(client);
    client.end('hello');
    expect(await endOf(client)).toBe(null);
    expect(await server.heard()).toEqual([`${line}hello`]);
    expect((await log.line('connection ended')).fields).toMatchObject({ sent: 5, received: 0 });
  },
);

test('a target that speaks first hears who the client is without waiting for it', async () => {
  const { port } = await tcpServer((socket) => {
    socket.once('data', (line) => socket.write(`220 ${String(line)}`));
  });
  const relay = await tcpRelay(localTarget(port), { proxyProtocol: 'v1' });
  const client = await tcpClient(relay.port);
  const greeting = `220 ${lineOf(client)}`;
  expect((await readSome(client, greeting.length)).toString()).toBe(greeting);
});

test('what a client has said while it waited for a slot comes behind the header', async () => {
  const server = await hearingServer('hi');
  const relay = await tcpRelay(localTarget(server.port), { proxyProtocol: 'v2', maxConnections: 1 });
  const first = await tcpClient(relay.port);
  await readSome(first, 2);
  const second = await tcpClient(relay.port);
  const said = 'patience '.repeat(10_000);
  second.end(said);
  await expect.poll(() => relay.waiting).toBe(1);
  first.end();
  await endOf(second);
  const [, heard = ''] = await server.heard();
  expect(heard.slice(0, 13)).toBe(V2_PROXY.toString('latin1'));
  expect(heard.slice(16 + 12)).toBe(said);
});

test.each([
  ['v1', (probe: Socket) => lineOf(probe)],
  ['v2', () => V2_LOCAL.toString('latin1')],
] as const)('a probe is told in %s', async (proxyProtocol, header) => {
  const server = await hearingServer();
  const relay = await tcpRelay(localTarget(server.port), { proxyProtocol });
  const probe = await tcpClient(relay.port, { localAddress: PROBE_SOURCE });
  const expected = header(probe);
  probe.end('EHLO');
  await endOf(probe);
  expect(await server.heard()).toEqual([`${expected}EHLO`]);
});

/** A relay that checks names: each is on a port of its own. */
function checking(ports: Readonly<Record<string, number>>, options: Options) {
  const check = createNameCheck();
  const choose = chooseByName((host) => (host in ports ? { ...localTarget(ports[host] ?? 0), host } : null));
  return servingRelay((connection) => check(connection, { choose, refuseEch: false }), options);
}

test('the header goes before a hello that has been checked', async () => {
  const server = await hearingServer('no HelloRetryRequest');
  const log = testLog();
  const relay = await checking({ 'api.test': server.port }, { proxyProtocol: 'v1', log });
  const client = await tcpClient(relay.port);
  const line = lineOf(client);
  const hello = clientHello();
  client.write(hello);
  await readSome(client);
  client.end();
  await endOf(client);
  expect(await server.heard()).toEqual([line + hello.toString('latin1')]);
  expect((await log.line('connection ended')).fields).toMatchObject({ sent: hello.length });
});

test('each target that one HTTP client asks hears the header once, before its first request', async () => {
  const heard: Record<string, string> = { 'api.test': '', 'www.test': '' };
  const serve = (name: string) => (socket: Socket) => {
    socket.setEncoding('latin1').on('data', (text) => {
      heard[name] += String(text);
      // One answer for each request that is whole.
      for (const _end of String(text).matchAll(/\r\n\r\n/g))
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`);
    });
  };
  const ports = {
    'api.test': (await tcpServer(serve('api.test'))).port,
    'www.test': (await tcpServer(serve('www.test'))).port,
  };
  const log = testLog();
  const relay = await checking(ports, { proxyProtocol: 'v1', log });
  const client = await tcpClient(relay.port);
  const line = lineOf(client);
  const ask = async (name: string) => {
    client.write(`GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
    let answer = '';
    while (!answer.endsWith(`\r\n\r\n${name}`)) answer += String(await readSome(client));
  };
  for (const name of ['api.test', 'api.test', 'www.test']) await ask(name);

  const request = (name: string) => `GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`;
  const bare = Object.entries(heard).map(([name, text]) => [
    name,
    text.replaceAll(/\r\nConnection: .*/g, ''),
  ]);
  expect(Object.fromEntries(bare)).toEqual({
    'api.test': line + request('api.test') + request('api.test'),
    'www.test': line + request('www.test'),
  });
  const { fields } = await log.line('connection ended');
  expect(fields).toMatchObject({
    target: `api.test:${ports['api.test']}`,
    sent: (heard['api.test']?.length ?? 0) - line.length,
  });
});

test('a target that resets before it has taken the header has its client reset', async () => {
  const { port: target } = await tcpServer((socket) => socket.resetAndDestroy());
  const relay = await tcpRelay(localTarget(target), { proxyProtocol: 'v1' });
  for (let i = 0; i < 10; i++) expect(await endOf(await tcpClient(relay.port))).toBe('ECONNRESET');
});
