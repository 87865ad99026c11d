import { expect, test } from 'vitest';

import { say } from '../helpers/http-relay.ts';
import { openMixedDoor } from '../helpers/mixed-door.ts';
import { runHealthcheck, runSallyport, statusIn } from '../helpers/program.ts';
import { readAll, tcpClient, udpSocket } from '../helpers/sockets.ts';

const get = (host: string, path = '/') =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
const connect = (authority: string) => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
const statusOf = (answer: string) => Number(answer.split(' ')[1]);

test.each(['1', '2'])(
  'each name is reached at its own ports, over TCP and UDP (WORKERS=%s)',
  async (WORKERS) => {
    const { relay, line, listen, targets } = await openMixedDoor({ WORKERS });
    expect(line).toMatchObject({ mode: 'tcp http-proxy', nameCheck: 'enforce' });

    expect((await readAll(await tcpClient(listen.db))).toString()).toBe('database');
    expect(await say(listen.web, get('api.test'))).toMatch(/\r\n\r\napi$/);
    expect(await say(listen.web, get('WWW.test'))).toMatch(/\r\n\r\nwww$/);
    expect(await say(listen.web, get('a.wild.test'))).toMatch(/\r\n\r\nwild$/);
    const client = await udpSocket();
    const answered = new Promise((resolve) => client.once('message', (text) => resolve(text.toString())));
    client.send('line', listen.syslog, '127.0.0.1');
    expect(await answered).toBe('logged line');

    for (const name of ['db.test', 'wild.test', 'logs.test', 'other.test'])
      expect(statusOf(await say(listen.web, get(name)))).toBe(403);
    const { ports } = await statusIn(relay.runDir);
    expect(ports.map(({ port, protocol, opened }) => [port, protocol, opened])).toEqual([
      [listen.db, 'tcp', 1],
      [listen.web, 'tcp', 7],
      [listen.syslog, 'udp', 1],
      [listen.proxy, 'tcp', 0],
    ]);
    expect(targets.db).not.toBe(targets.api);
  },
);

test.each(['1', '2'])(
  'the forward proxy beside the relays leads each name to its own ports (WORKERS=%s)',
  async (WORKERS) => {
    const { listen, targets } = await openMixedDoor({ WORKERS, NAME_CHECK: 'enforce' });
    const { db, api, www, wild, syslog } = targets;
    const ask = (name: string, port: number) => {
      const authority = `${name}:${port}`;
      return say(listen.proxy, get(authority, `http://${authority}/`));
    };

    expect(await ask('api.test', api ?? 0)).toMatch(/\r\n\r\napi$/);
    expect(await ask('www.test', www ?? 0)).toMatch(/\r\n\r\nwww$/);
    expect(await ask('a.wild.test', wild ?? 0)).toMatch(/\r\n\r\nwild$/);

    const crossed = [
      ['api.test', www],
      ['www.test', api],
      ['a.wild.test', api],
      ['api.test', wild],
      ['db.test', api],
      ['api.test', db],
      ['logs.test', syslog],
      ['api.test', listen.web],
      ['db.test', listen.db],
    ] as const;
    for (const [name, port = 0] of crossed) {
      expect(statusOf(await ask(name, port))).toBe(403);
      expect(statusOf(await say(listen.proxy, connect(`${name}:${port}`)))).toBe(403);
    }
  },
);

test('within a tunnel, and on a port that a name chooses, the ports of other names stay out of reach', async () => {
  const { relay, listen, targets } = await openMixedDoor({});
  const tunnel = `${connect(`api.test:${targets.api}`)}${get('www.test')}`;
  expect(await say(listen.proxy, tunnel)).toMatch(/^HTTP\/1\.1 200 .+\r\n\r\nHTTP\/1\.1 403 /s);
  expect(statusOf(await say(listen.web, connect(`api.test:${targets.www}`)))).toBe(403);
  const refused = relay.lines.filter(({ msg }) => msg === 'refused');
  expect(refused.map(({ port, protocol, rule }) => [port, protocol, rule])).toEqual([
    [listen.proxy, 'tcp', 'not in PORT'],
    [listen.web, 'tcp', 'not in PORT'],
  ]);
});

test('check, status and the healthcheck know ports of both protocols', async () => {
  const { relay, listen, targets, environment } = await openMixedDoor({});
  const all = { ...environment, SALLYPORT_RUN_DIR: relay.runDir };
  expect(
    await runHealthcheck({ ...all, HTTP_HEALTHCHECK: '1', HTTP_HEALTHCHECK_URL: 'http://api.test/' }),
  ).toEqual({
    code: 0,
    output: 'healthy\n',
  });
  const { output, code } = await runSallyport(['check'], all);
  expect(code).toBe(0);
  expect(output).toContain(`tcp ${listen.web} → www.test:${targets.www} (127.0.0.1): connects`);
  expect(output).toContain(`udp ${listen.syslog} → logs.test:${targets.syslog} (127.0.0.1)`);
  expect(output).toContain(`http-proxy ${listen.proxy} → db.test:${targets.db} (127.0.0.1): connects`);
  const { output: status } = await runSallyport(['status'], all);
  expect(status).toMatch(new RegExp(`^${listen.syslog}/udp +0 of 100 `, 'm'));
});
