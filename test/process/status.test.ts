import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { expect, onTestFinished, test, vi } from 'vitest';

import manifest from '../../package.json' with { type: 'json' };
import { clientHello } from '../helpers/client-hello.ts';
import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { fifo } from '../helpers/fifo.ts';
import { say } from '../helpers/http-relay.ts';
import { muteServer } from '../helpers/mute-server.ts';
import { startNamedRelay } from '../helpers/named-relay.ts';
import {
  runProgram,
  type Sallyport,
  startRelayTo,
  startSallyport,
  statusIn,
  temporaryDirectory,
} from '../helpers/program.ts';
import {
  closedPort,
  closedRange,
  endOf,
  errorOf,
  tcpClient,
  tcpServer,
  udpSocket,
} from '../helpers/sockets.ts';

/** What `sallyport status` says of a relay, line by line. */
async function statusOf({ runDir }: Sallyport): Promise<readonly string[]> {
  const { code, stdout, stderr } = await runProgram('sallyport', ['status'], { SALLYPORT_RUN_DIR: runDir });
  expect([code, stderr]).toEqual([0, '']);
  return stdout.trimEnd().split('\n');
}

test('status shows names with addresses, age and TTL, and ports with live clients and those that wait', async () => {
  const { port: target, server } = await tcpServer((socket) => socket.resume());
  const nameserver = await scriptedServer(zone([a('api.test', '127.0.0.1', 300)]));
  const environment = { MAX_CONNECTIONS: '1' };
  const { relay, connect } = await startNamedRelay(target, `127.0.0.1:${nameserver.port}`, environment);
  const reached = once(server, 'connection');
  await connect();
  await reached;
  await connect();
  await connect();
  const lines = await vi.waitUntil(
    async () => {
      const said = await statusOf(relay);
      return /^\d+ +1 of 1 +2 /.test(said.at(-1) ?? '') ? said : null;
    },
    { timeout: 10_000 },
  );
  expect(lines).toEqual([
    expect.stringMatching(new RegExp(`^sallyport ${manifest.version}, MODE=tcp, up \\d+ s$`)),
    '',
    expect.stringMatching(/^NAME +AGE +TTL +CONNECTIONS +SENT +RECEIVED +REFUSED +ADDRESSES +PROBLEM$/),
    expect.stringMatching(/^api\.test +\d+ s +300 s +1 +0 B +0 B +0 +127\.0\.0\.1 +-$/),
    '',
    expect.stringMatching(/^PORT +LIVE +WAITING +OPENED +SENT +RECEIVED +UNANSWERED +REFUSED +LAST FAILURE$/),
    expect.stringMatching(/^\d+ +1 of 1 +2 +3 +0 B +0 B +0 +0 +-$/),
  ]);
  expect(await relay.line('all slots are taken: clients wait')).toMatchObject({ live: 1, waiting: 1 });
});

test('status is written whole, though a pipe holds but a part of it at a time', async () => {
  const low = await closedRange(900);
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${low}-${low + 899}` });
  await relay.line('listening');
  const { fd, read, close } = fifo();
  const program = join(import.meta.dirname, '../../dist/sallyport.js');
  const asked = spawn(process.execPath, [program, 'status', '--json'], {
    env: { SALLYPORT_RUN_DIR: relay.runDir },
    stdio: ['ignore', fd, 'inherit'],
  });
  const ended = once(asked, 'close');
  const reader = read();
  await once(reader, 'readable');
  const reading = text(reader);
  expect(await ended).toEqual([0, null]);
  close();
  const { ports } = JSON.parse(await reading) as { readonly ports: readonly unknown[] };
  expect(ports).toHaveLength(900);
});

test('status shows that DNS is dead', async () => {
  const { relay } = await startNamedRelay(1, `127.0.0.1:${await closedPort()}`);
  await relay.line('the name cannot be resolved; still trying');
  expect((await statusOf(relay))[3]).toMatch(/^api\.test +- +- +0 +0 B +0 B +0 +none yet +.*ECONNREFUSED/);
});

test('status shows how often a name was refused that is listed', async () => {
  const proxy = await closedPort();
  const { relay } = await startRelayTo(1, { TARGET: 'a.test', MODE: 'tcp http-proxy', LISTEN: `${proxy}` });
  for (const asked of ['a.test:8443', 'A.test.:22', 'b.test:22'])
    expect(await say(proxy, `CONNECT ${asked} HTTP/1.1\r\nHost: ${asked}\r\n\r\n`)).toMatch(/ 403 /);
  expect((await statusIn(relay.runDir)).names).toEqual([
    expect.objectContaining({ name: 'a.test', refused: 2 }),
  ]);
  expect((await statusOf(relay))[3]).toMatch(/^a\.test +- +- +0 +0 B +0 B +2 +asked for /);
});

test('status shows that the target refuses', async () => {
  const [port, target] = [await closedPort(), await closedPort()];
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:${target}` });
  await relay.line('listening');
  expect(await errorOf(connectTo(port, '127.0.0.1'))).toBe('ECONNRESET');
  const failure = `failed to connect to 127\\.0\\.0\\.1:${target}: .*ECONNREFUSED.*`;
  const lines = await statusOf(relay);
  expect(lines.slice(-7)).toEqual([
    expect.stringMatching(new RegExp(`^${port} +0 of 100 +0 +1 +0 B +0 B +0 +1 +${failure}$`)),
    '',
    expect.stringMatching(/^PORT +REFUSED +REASON$/),
    expect.stringMatching(new RegExp(`^${port} +1 +target unreachable$`)),
    '',
    expect.stringMatching(/^PORT +LAST ERRORS +TIMES +CLIENT +WHAT$/),
    expect.stringMatching(new RegExp(`^${port} +2\\S+Z +1 +127\\.0\\.0\\.1:\\d+ +${failure}$`)),
  ]);
  expect(await relay.line('target unreachable')).toMatchObject({ level: 'warn', port });
});

test('status shows that the target is filtered: it does not answer in time', async () => {
  const [port, target] = [await closedPort(), await closedPort()];
  await muteServer('127.0.0.1', target);
  const relay = startSallyport({
    TARGET: '127.0.0.1',
    PORT: `${port}:${target}`,
    CONNECT_TIMEOUT_MS: '300',
  });
  await relay.line('listening');
  expect(await errorOf(connectTo(port, '127.0.0.1'))).toBe('ECONNRESET');
  expect((await statusOf(relay)).at(-1)).toMatch(/ failed to connect to .*: no answer within 300 ms$/);
});

test('status shows that the target takes what is sent, and stays mute', async () => {
  const { port: target } = await tcpServer((socket) => socket.resume().once('end', () => socket.end()));
  const port = await closedPort();
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:${target}`, VERBOSE: '1' });
  await relay.line('listening');
  const client = await tcpClient(port);
  client.write('hello?');
  await expect
    .poll(async () => (await statusOf(relay)).at(-1))
    .toMatch(/ 1 of 100 +0 +1 +6 B +0 B +0 +0 +-$/);
  client.end();
  expect(await relay.line('connection ended')).toMatchObject({ sent: 6, received: 0 });
  expect((await statusOf(relay)).at(-1)).toMatch(/ 0 of 100 +0 +1 +6 B +0 B +1 +0 +-$/);
});

test('status shows which name was refused, and by which rule', async () => {
  const port = await closedPort();
  const relay = startSallyport({ TARGET: 'api.test', PORT: `${port}:1`, NAME_CHECK: 'enforce' });
  await relay.line('listening');
  for (let i = 0; i < 2; i++) {
    const client = await tcpClient(port);
    client.write(clientHello({ names: ['other.test'] }));
    await endOf(client);
  }
  const lines = await statusOf(relay);
  expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${port} +2 +not in TARGET$`)));
  expect(lines.at(-1)).toMatch(/ 2 +127\.0\.0\.1:\d+ +other\.test is not in TARGET$/);
  expect(await relay.line('refused')).toMatchObject({ port, name: 'other.test', rule: 'not in TARGET' });
});

test('status shows which source was not allowed', async () => {
  const port = await closedPort();
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:1`, ALLOW_FROM: '10.1.2.0/24' });
  await relay.line('listening');
  expect(await errorOf(connectTo(port, '127.0.0.1'))).toBe('ECONNRESET');
  const lines = await statusOf(relay);
  expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${port} +1 +source not allowed$`)));
  expect(lines.at(-1)).toMatch(/ 1 +127\.0\.0\.1:\d+ +127\.0\.0\.1 is not in ALLOW_FROM$/);
  expect(await relay.line('refused')).toMatchObject({ port, rule: 'source not allowed' });
});

test.each(['tcp', 'udp'])('status shows a blackout, and whom it has refused (MODE=%s)', async (MODE) => {
  const port = await closedPort();
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:1`, BLACKOUT: '1', MODE });
  await relay.line('listening');
  if (MODE === 'tcp') await errorOf(connectTo(port, '127.0.0.1'));
  else (await udpSocket()).send('hello?', port, '127.0.0.1');
  expect(await relay.line('refused')).toMatchObject({ port, rule: 'blackout' });
  const lines = await statusOf(relay);
  expect(lines[1]).toMatch(/^blackout on since /);
  expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${port} +1 +blackout$`)));
});

test.each(['1', '2'])(
  'status shows a live UDP session that is not answered, and why (WORKERS=%s)',
  async (WORKERS) => {
    const target = await udpSocket();
    const port = await closedPort();
    const at = `127.0.0.1:${target.address().port}`;
    const relay = startSallyport({
      TARGET: '127.0.0.1',
      PORT: `${port}:${target.address().port}`,
      MODE: 'udp',
      WORKERS,
    });
    await relay.line('listening');
    const client = await udpSocket();
    const sending = setInterval(() => client.send('still here', port, '127.0.0.1'), 100);
    onTestFinished(() => clearInterval(sending));
    const shown = new RegExp(
      `^${port} +1 of 100 +0 +1 .* B +0 B +1 +0 +0 +no answer from ${at}: ${at} is silent$`,
    );
    await expect
      .poll(() => statusOf(relay), { timeout: 20_000 })
      .toContainEqual(expect.stringMatching(shown));
    // It lives on, and all is well once there is an answer.
    target.on('message', (datagram, from) => target.send(datagram, from.port, from.address));
    await expect.poll(async () => (await statusOf(relay)).at(-1)).toMatch(/ -$/);
  },
);

test('status --json gives the same to programs', async () => {
  const port = await closedPort();
  const relay = startSallyport({
    TARGET: '*.wild.test 10.1.2.3',
    PORT: '80',
    MODE: 'http-proxy',
    LISTEN: String(port),
    NAME_CHECK: 'off',
  });
  await relay.line('listening');
  const { code, stdout } = await runProgram('sallyport', ['status', '--json'], {
    SALLYPORT_RUN_DIR: relay.runDir,
  });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    version: manifest.version,
    mode: 'http-proxy',
    targets: ['*.wild.test', '10.1.2.3'],
    names: [{ name: '10.1.2.3', addresses: ['10.1.2.3'] }],
    draining: false,
    ports: [
      {
        port,
        live: 0,
        waiting: 0,
        limit: 100,
        opened: 0,
        refused: 0,
        refusedBy: {},
        unanswered: 0,
        sent: 0,
        received: 0,
        lost: 0,
        lastFailure: null,
        errors: [],
      },
    ],
  });
});

test('where no relay runs, status ends with 1 and says what to do', async () => {
  const SALLYPORT_RUN_DIR = temporaryDirectory();
  const { code, stdout, stderr } = await runProgram('sallyport', ['status'], { SALLYPORT_RUN_DIR });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr.split('\n')).toEqual([
    `sallyport: no relay answers here: there is no control socket in ${SALLYPORT_RUN_DIR}`,
    expect.stringContaining('docker exec <container> sallyport status'),
    expect.stringContaining("'sallyport check' says what is wrong"),
    '',
  ]);
});

test('where the relay was killed, status says that it does not answer', async () => {
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${await closedPort()}:1` });
  await relay.line('listening');
  relay.process.kill('SIGKILL');
  await relay.ended;
  const { code, stderr } = await runProgram('sallyport', ['status'], { SALLYPORT_RUN_DIR: relay.runDir });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^sallyport: no relay answers here: .*control\.sock: connect ECONNREFUSED .*\n/);
});

test('status needs no more of the environment than SALLYPORT_RUN_DIR, and says when that is bad', async () => {
  const { code, stderr } = await runProgram('sallyport', ['status'], { SALLYPORT_RUN_DIR: 'run' });
  expect(code).toBe(78);
  expect(stderr).toMatch(/^sallyport: the configuration has a problem:\nSALLYPORT_RUN_DIR="run": .*\n$/);
});
