import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { askRelay } from '../../src/control/ask-relay.ts';
import type { Asked } from '../../src/control/protocol.ts';
import { clientHello } from '../helpers/client-hello.ts';
import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { say, webServer } from '../helpers/http-relay.ts';
import { scrape } from '../helpers/metrics.ts';
import { openMixedDoor } from '../helpers/mixed-door.ts';
import {
  runProgram,
  type Sallyport,
  startSallyport,
  statusIn,
  temporaryDirectory,
} from '../helpers/program.ts';
import { closedPort, endOf, readAll, tcpClient, tcpServer, udpSocket } from '../helpers/sockets.ts';

const get = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const getLast = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
const connect = (authority: string) => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;

/** The names that were asked for at a relay. */
async function namesAt({ runDir }: Sallyport): Promise<Asked> {
  const answer = await askRelay(runDir, { request: { names: true }, timeout: 5_000 });
  if (answer?.asked === undefined) throw new Error('it tells no names');
  return answer.asked;
}

/** Each name with its port, and what became of it. */
async function outcomesAt(relay: Sallyport) {
  const { names } = await namesAt(relay);
  return names.map(({ name, to, port, protocol, outcomes }) => [
    to === null ? name : `${name}:${to}`,
    `${port}/${protocol}`,
    outcomes.map(({ decision, rule, times }) => `${times} ${decision}${rule === null ? '' : ` ${rule}`}`),
  ]);
}

/** What `sallyport names` prints. */
async function runNames({ runDir }: Sallyport, ...options: readonly string[]) {
  return runProgram('sallyport', ['names', ...options], { SALLYPORT_RUN_DIR: runDir });
}

/** Asks for a name in TLS, and waits for the end. */
async function askInTls(port: number, name: string): Promise<void> {
  const client = await tcpClient(port);
  client.write(clientHello({ names: [name] }));
  await endOf(client);
}

/** A relay to one port of several names, all of which are on loopback. */
async function relayTo(target: number, TARGET: string, environment: Readonly<Record<string, string>> = {}) {
  const nameserver = await scriptedServer((query, from) => {
    const [question] = query.questions ?? [];
    return zone([a(question?.name ?? '', '127.0.0.1')])(query, from);
  });
  const port = await closedPort();
  const admin = await closedPort();
  const relay = startSallyport({
    ...(TARGET === '' ? {} : { TARGET }),
    PORT: `${port}:${target}`,
    PRE_RESOLVE: '1',
    NAMESERVERS: `127.0.0.1:${nameserver.port}`,
    TARGET_SCOPE: 'any',
    ADMIN_PORT: `${admin}`,
    ...environment,
  });
  await relay.line('listening');
  return { relay, port, admin };
}

describe.each(['1', '2'])('with WORKERS=%s', (WORKERS) => {
  test('every name is counted however it is asked for, to the byte, and names add up to ports', async () => {
    const admin = await closedPort();
    const { relay, listen, targets } = await openMixedDoor({ WORKERS, ADMIN_PORT: `${admin}` });
    const { api = 0 } = targets;
    await readAll(await tcpClient(listen.db));
    const answers = await say(
      listen.web,
      ['api.test', 'www.test', 'A.wild.test.', 'api.test', 'evil.test'].map((name) => get(name)).join(''),
    );
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual([
      ...Array.from({ length: 4 }, () => 'HTTP/1.1 200'),
      'HTTP/1.1 403',
    ]);
    await askInTls(listen.web, 'Evil.test');
    const inTunnel = connect(`api.test:${api}`) + getLast('api.test');
    expect(await say(listen.proxy, inTunnel)).toMatch(/api$/);
    for (const name of ['evil.test:1', 'api.test:1']) await say(listen.proxy, connect(name));
    const client = await udpSocket();
    const answered = new Promise((resolve) => client.once('message', resolve));
    client.send('line', listen.syslog, '127.0.0.1');
    await answered;

    await expect
      .poll(async () => (await outcomesAt(relay)).map(String).toSorted())
      .toEqual(
        [
          ['a.wild.test', `${listen.web}/tcp`, ['1 allowed']],
          // To www.test and back: two connections to its target.
          ['api.test', `${listen.web}/tcp`, ['2 allowed']],
          ['api.test:1', `${listen.proxy}/tcp`, ['1 refused not in PORT']],
          [`api.test:${api}`, `${listen.proxy}/tcp`, ['1 allowed']],
          ['db.test', `${listen.db}/tcp`, ['1 allowed']],
          ['evil.test', `${listen.web}/tcp`, ['2 refused not in TARGET']],
          ['evil.test:1', `${listen.proxy}/tcp`, ['1 refused not in TARGET']],
          ['logs.test', `${listen.syslog}/udp`, ['1 allowed']],
          ['www.test', `${listen.web}/tcp`, ['1 allowed']],
        ]
          .map(String)
          .toSorted(),
      );

    const { names, others } = await namesAt(relay);
    const { ports, names: known } = await statusIn(relay.runDir);
    const samples = await scrape(admin);
    for (const { port, protocol, sent, received } of ports) {
      const here = names.filter((each) => each.port === port && each.protocol === protocol);
      const sum = (what: 'sent' | 'received') => here.reduce((total, each) => total + each[what], 0);
      expect([port, sum('sent'), sum('received')]).toEqual([port, sent, received]);
      const labelled = (direction: string) =>
        Object.entries(samples)
          .filter(([name]) => name.startsWith('sallyport_name_bytes_total{'))
          .filter(([name]) => name.includes(`port="${port}"`) && name.includes(`direction="${direction}"`))
          .reduce((total, [, value]) => total + value, 0);
      expect([labelled('sent'), labelled('received')]).toEqual([sent, received]);
      expect(received).toBeGreaterThan(0);
    }
    expect(others.times).toBe(0);
    expect(known.find(({ name }) => name === 'api.test')).toMatchObject({
      connections: 3,
      sent: names.filter(({ name }) => name === 'api.test').reduce((sum, each) => sum + each.sent, 0),
    });
    const where = (port: number) => `port="${port}",protocol="tcp"`;
    expect(samples).toMatchObject({
      [`sallyport_name_connections_total{name="api.test",${where(listen.web)}}`]: 2,
      [`sallyport_name_connections_total{name="api.test:${api}",${where(listen.proxy)}}`]: 1,
      [`sallyport_name_connections_total{name="logs.test",port="${listen.syslog}",protocol="udp"}`]: 1,
      [`sallyport_name_refused_total{name="evil.test",${where(listen.web)},rule="not in TARGET"}`]: 2,
      [`sallyport_name_refused_total{name="api.test:1",${where(listen.proxy)},rule="not in PORT"}`]: 1,
    });
  });

  test('2,000 made-up names are bounded, counted, and hide nobody who is listed', async () => {
    const target = await webServer((_request, response) => response.end('ok'));
    const { relay, port, admin } = await relayTo(target, 'a.test b.test', { WORKERS });
    const made = Array.from({ length: 2_000 }, (_, i) => `${i}.made-up.test`);
    const askAll = async () => {
      for (let name = made.pop(); name !== undefined; name = made.pop()) await askInTls(port, name);
    };
    await Promise.all(Array.from({ length: 16 }, askAll));
    expect(await say(port, getLast('b.test'))).toMatch(/ok$/);

    await expect
      .poll(async () => {
        const { names, others } = await namesAt(relay);
        return [names.length, others.times, names.filter(({ name }) => name === 'b.test').length];
      })
      .toEqual([1_000, 1_001, 1]);
    const refused = Object.entries(await scrape(admin)).filter(([name]) =>
      name.startsWith('sallyport_name_refused_total{'),
    );
    expect(refused).toHaveLength(1_000);
    expect(refused.reduce((sum, [, value]) => sum + value, 0)).toBe(2_000);
    const { stdout } = await runNames(relay);
    expect(stdout).toMatch(/^b\.test .* allowed$/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('and others, 1001 times: refused: not in TARGET');
  });

  test('2,000 names below a wildcard are bounded, and the bytes of all of them counted', async () => {
    const { port: target } = await tcpServer((socket) => socket.once('data', () => socket.end('12345')));
    const { relay, port } = await relayTo(target, 'a.test *.wild.test', { WORKERS });
    const made = Array.from({ length: 2_000 }, (_, i) => `${i}.wild.test`);
    const askAll = async () => {
      for (let name = made.pop(); name !== undefined; name = made.pop()) await askInTls(port, name);
    };
    await Promise.all(Array.from({ length: 16 }, askAll));
    await askInTls(port, 'a.test');
    await expect
      .poll(async () => {
        const { names, others } = await namesAt(relay);
        const all = [...names, others];
        return [
          names.length,
          names.filter(({ name }) => name === 'a.test').length,
          all.reduce((sum, { connections }) => sum + connections, 0),
          all.reduce((sum, { received }) => sum + received, 0),
        ];
      })
      .toEqual([1_000, 1, 2_001, 5 * 2_001]);
  });

  test('what --target says, appended to TARGET_FILE, lets the names through that were refused', async () => {
    const target = await webServer((_request, response) => response.end('ok'));
    const path = join(temporaryDirectory(), 'targets');
    const listed = 'a.test\nb.test\n';
    writeFileSync(path, listed);
    const { relay, port } = await relayTo(target, '', { WORKERS, TARGET_FILE: path });
    const status = async (name: string) => (await say(port, getLast(name))).slice(9, 12);
    for (const [name, code] of [
      ['a.test', '200'],
      ['c.test', '403'],
      ['x.test', '403'],
    ] as const)
      expect(await status(name)).toBe(code);
    await expect.poll(async () => (await namesAt(relay)).missing).toBe('c.test x.test');

    writeFileSync(path, `${listed}${(await runNames(relay, '--target')).stdout}`);
    await relay.line('TARGET_FILE is read: its list is in force');
    for (const name of ['c.test', 'x.test']) expect(await status(name)).toBe('200');
    await expect
      .poll(() => outcomesAt(relay))
      .toEqual([
        ['a.test', `${port}/tcp`, ['1 allowed']],
        ['c.test', `${port}/tcp`, ['1 allowed', '1 refused not in TARGET']],
        ['x.test', `${port}/tcp`, ['1 allowed', '1 refused not in TARGET']],
      ]);
    const { code, stdout, stderr } = await runNames(relay, '--target');
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('no name was refused that another TARGET would let through');
  });

  test('names tells what NAME_CHECK=report would refuse', async () => {
    const { port: target } = await tcpServer((socket) => socket.once('data', () => socket.end('?')));
    const { relay, port } = await relayTo(target, 'a.test', { WORKERS, NAME_CHECK: 'report' });
    await askInTls(port, 'c.test');
    await expect
      .poll(() => outcomesAt(relay))
      .toEqual([
        ['a.test', `${port}/tcp`, ['1 allowed']],
        ['c.test', `${port}/tcp`, ['1 would refuse not in TARGET']],
      ]);
    expect((await runNames(relay, '--target')).stdout).toBe('c.test\n');
  });

  test('names tells what NAME_CHECK=learn has let through, and --target lists it', async () => {
    const target = await webServer((_request, response) => response.end('ok'));
    const { relay, port } = await relayTo(target, 'a.test:1 *', { WORKERS, NAME_CHECK: 'learn' });
    for (const name of ['c.test', 'b.test', 'B.TEST']) await say(port, getLast(name));
    await expect
      .poll(() => outcomesAt(relay))
      .toEqual([
        ['b.test', `${port}/tcp`, ['2 learned']],
        ['c.test', `${port}/tcp`, ['1 learned']],
      ]);
    expect((await runNames(relay, '--target')).stdout).toBe('b.test c.test\n');
  });
});

test('what --target prints can be pasted: an entry with which no relay would start is told beside it, and why', async () => {
  const proxy = await closedPort();
  const environment = { MODE: 'tcp http-proxy', LISTEN: `${proxy}` };
  const { relay } = await relayTo(1, 'a.test', environment);
  for (const asked of [`b.test:${proxy}`, 'c.test:443']) await say(proxy, connect(asked));
  await expect.poll(async () => (await namesAt(relay)).missing).toBe('c.test:443');
  expect(await runNames(relay, '--target')).toEqual({
    code: 0,
    stdout: 'c.test:443\n',
    stderr: `sallyport: b.test:${proxy} cannot be added to TARGET: LISTEN=${proxy}: TARGET and PORT have a relay listen on that port, for b.test\n`,
  });
});

test('names --json is for programs, and nothing in what names prints steers a terminal', async () => {
  const { relay, port } = await relayTo(1, 'a.test b.test');
  await askInTls(port, '\u001b[2J\u202eevil.test');
  await relay.line('refused');
  const { code, stdout } = await runNames(relay);
  expect(code).toBe(0);
  expect(stdout).toContain('\\u001b[2j');
  for (const steering of ['\u001b', '\u202e']) expect(stdout).not.toContain(steering);
  const json = await runNames(relay, '--json');
  expect(JSON.parse(json.stdout)).toEqual(await namesAt(relay));
  const both = await runNames(relay, '--json', '--target');
  expect([both.code, both.stderr]).toEqual([78, 'sallyport: --target and --json do not go together\n']);
});

test('where no relay runs, names ends with 1 and says so; where nobody has asked, it says that', async () => {
  const missing = await runProgram('sallyport', ['names'], { SALLYPORT_RUN_DIR: temporaryDirectory() });
  expect([missing.code, missing.stdout]).toEqual([1, '']);
  expect(missing.stderr).toContain('no relay answers here');
  const { relay } = await relayTo(1, 'a.test');
  expect((await runNames(relay)).stdout).toBe('no name has been asked for yet\n');
});

test.each([
  [{ names: true, blackout: 'on' }, 'names=true: it takes true, and stands alone'],
  [{ names: 'all' }, 'names="all": it takes true, and stands alone'],
  [{ name: true }, 'name is unknown: a request has blackout and duration, or names'],
])('the control socket refuses %j, and changes nothing', async (request, problem) => {
  const { relay } = await relayTo(1, 'a.test');
  const asking = askRelay(relay.runDir, { request: request as never, timeout: 5_000 });
  await expect(asking).rejects.toThrow(`it refused the request: ${problem}`);
  expect((await statusIn(relay.runDir)).blackout.state).toBe('off');
});
