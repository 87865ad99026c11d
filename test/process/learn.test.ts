import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { say, webServer } from '../helpers/http-relay.ts';
import {
  runHealthcheck,
  runProgram,
  runSallyport,
  startSallyport,
  temporaryDirectory,
} from '../helpers/program.ts';
import { closedPort, readAll, tcpClient, tcpServer } from '../helpers/sockets.ts';

const LEARNING =
  'NAME_CHECK=learn: whoever names a name gets there, listed or not, and the name itself to whoever owns it; this is for learning what an app needs, and guards nothing';
const get = (authority: string, uri = '/') =>
  `GET ${uri} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`;

test.each(['1', '2'])(
  'whoever names a name gets there, and is told everywhere (WORKERS=%s)',
  async (WORKERS) => {
    const web = await webServer((request, response) => response.end(`for ${request.headers.host}`));
    const { port: db } = await tcpServer((socket) => socket.end('database'));
    const names = ['a.test', 'deep.b.test', 'db.test'];
    const nameserver = await scriptedServer(zone(names.map((name) => a(name, '127.0.0.1'))));
    const [port, raw, proxy] = [await closedPort(), await closedPort(), await closedPort()];
    const environment = {
      NAME_CHECK: 'learn',
      MODE: 'tcp http-proxy',
      TARGET: `db.test:${raw}:${db}`,
      PORT: `${port}:${web}`,
      LISTEN: `${proxy}`,
      HTTP_HEALTHCHECK: '0',
      PRE_RESOLVE: '1',
      NAMESERVERS: `127.0.0.1:${nameserver.port}`,
      TARGET_SCOPE: 'any',
      WORKERS,
    };
    const relay = startSallyport(environment);
    await relay.line('listening');
    expect(await relay.line(LEARNING)).toMatchObject({ level: 'warn' });

    expect(await say(port, get('a.test'))).toMatch(/\r\n\r\nfor a\.test$/);
    expect(await say(port, get('deep.b.test'))).toMatch(/\r\n\r\nfor deep\.b\.test$/);
    expect((await readAll(await tcpClient(raw))).toString()).toBe('database');
    const authority = `a.test:${web}`;
    expect(await say(proxy, get(authority, `http://${authority}/`))).toMatch(/\r\n\r\nfor a\.test:\d+$/);
    const connect = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
    expect(await say(proxy, `${connect}${get('a.test')}`)).toMatch(/\r\n\r\nfor a\.test$/);
    expect(await say(proxy, `${connect}${get('deep.b.test')}`)).toMatch(/\r\n\r\nHTTP\/1\.1 403 /);
    // An address is no name, and leads nowhere that is not listed.
    expect(await say(port, get('127.0.0.1'))).toMatch(/^HTTP\/1\.1 403 /);
    expect(await say(proxy, get(`127.0.0.1:${web}`, `http://127.0.0.1:${web}/`))).toMatch(/^HTTP\/1\.1 403 /);

    const all = { ...environment, SALLYPORT_RUN_DIR: relay.runDir };
    expect(await runHealthcheck(all)).toEqual({ code: 0, output: `healthy; ${LEARNING}\n` });
    expect((await runSallyport(['status'], all)).output).toContain(LEARNING);
    expect((await runSallyport(['check'], all)).output).toContain(LEARNING);
  },
);

test('without a name in TARGET nothing is probed, and the healthcheck says so', async () => {
  const port = await closedPort();
  const environment = { NAME_CHECK: 'learn', PORT: `${port}:80`, HTTP_HEALTHCHECK: '1' };
  const relay = startSallyport(environment);
  await relay.line('listening');
  expect(await runHealthcheck({ ...environment, SALLYPORT_RUN_DIR: relay.runDir })).toEqual({
    code: 0,
    output: `healthy; ${LEARNING}; nothing is probed, as TARGET names nobody\n`,
  });
});

test('the list in TARGET_FILE may begin empty, and what is learned is appended to it', async () => {
  const path = join(temporaryDirectory(), 'targets');
  writeFileSync(path, '# nobody yet\n');
  const web = await webServer((_request, response) => response.end('found'));
  const nameserver = await scriptedServer(zone([a('a.test', '127.0.0.1')]));
  const port = await closedPort();
  const relay = startSallyport({
    NAME_CHECK: 'learn',
    TARGET_FILE: path,
    PORT: `${port}:${web}`,
    PRE_RESOLVE: '1',
    NAMESERVERS: `127.0.0.1:${nameserver.port}`,
    TARGET_SCOPE: 'any',
  });
  expect(await relay.line('listening')).toMatchObject({ targets: ['*'] });
  expect(await say(port, get('a.test'))).toMatch(/\r\n\r\nfound$/);
  const where = { SALLYPORT_RUN_DIR: relay.runDir };
  const learned = async () => (await runProgram('sallyport', ['names', '--target'], where)).stdout;
  await expect.poll(learned).toBe('a.test\n');
  appendFileSync(path, await learned());
  expect(await relay.line('TARGET_FILE is read: its list is in force')).toMatchObject({
    targets: ['a.test', '*'],
  });
  expect(await learned()).toBe('');
});

test('during a blackout the healthcheck goes on to tell what somebody should know', async () => {
  const path = join(temporaryDirectory(), 'targets');
  writeFileSync(path, 'a.test\n');
  const environment = {
    NAME_CHECK: 'learn',
    TARGET_FILE: path,
    PORT: `${await closedPort()}`,
    BLACKOUT: '1',
  };
  const relay = startSallyport(environment);
  await relay.line('listening');
  writeFileSync(path, 'a.test:http\n');
  await relay.line('TARGET_FILE cannot be used: the list in force stays');
  const told = (said: string) =>
    expect.stringMatching(
      new RegExp(
        `^${said}blackout on .*; ${LEARNING}; the list in force stays, as TARGET_FILE cannot be used: `,
      ),
    );
  const where = { ...environment, SALLYPORT_RUN_DIR: relay.runDir };
  expect(await runHealthcheck(where)).toEqual({ code: 0, output: told('') });
  expect(await runHealthcheck({ ...where, BLACKOUT_HEALTH: 'unhealthy' })).toEqual({
    code: 1,
    output: told('unhealthy: '),
  });
});
