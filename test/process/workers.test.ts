import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { httpServer } from '../helpers/http-server.ts';
import { runHealthcheck, startSallyport, statusIn, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, endOf, readAll, readSome, tcpClient, tcpServer, udpSocket } from '../helpers/sockets.ts';

/** A relay of several threads, listening. */
async function crew(environment: Readonly<Record<string, string>>, workers = 3) {
  const port = await closedPort();
  const relay = startSallyport({
    TARGET: '127.0.0.1',
    WORKERS: String(workers),
    ...environment,
    PORT: `${port}:${environment['PORT']}`,
  });
  await relay.line('listening');
  return { relay, port, status: () => statusIn(relay.runDir) };
}

/** A target that greets, and counts who is there. */
async function greeter() {
  let there = 0;
  let most = 0;
  const { port } = await tcpServer((socket) => {
    most = Math.max(most, ++there);
    socket.once('close', () => there--);
    socket.resume().once('end', () => socket.end());
    socket.write('hello');
  });
  return { port, most: () => most };
}

test('several threads relay side by side, within one limit, which every one of them keeps', async () => {
  const target = await greeter();
  const { port, status } = await crew({ PORT: String(target.port), MAX_CONNECTIONS: '3' });
  const clients = await Promise.all(Array.from({ length: 24 }, () => tcpClient(port)));
  await expect.poll(async () => (await status()).ports).toMatchObject([{ live: 3, waiting: 21 }]);
  await Promise.all(
    clients.map(async (client) => {
      expect((await readSome(client, 5)).toString()).toBe('hello');
      client.end();
      expect(await endOf(client)).toBe(null);
    }),
  );
  expect(target.most()).toBe(3);
  await expect.poll(async () => (await status()).ports).toMatchObject([{ live: 0, waiting: 0 }]);
});

test('each thread listens by itself, so that the kernel deals the connections out', async () => {
  const { relay, port } = await crew({ PORT: String(await closedPort()) });
  const listening = readFileSync(`/proc/${relay.process.pid}/net/tcp6`, 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => state === '0A' && Number(`0x${local.split(':')[1]}`) === port);
  expect(listening).toHaveLength(3);
});

test('UDP sessions keep within the limit over all threads, and a newcomer takes the place of an old one', async () => {
  const target = await udpSocket();
  target.on('message', (datagram, { port, address }) => target.send(datagram, port, address));
  const { port, status } = await crew({
    PORT: String(target.address().port),
    MODE: 'udp',
    MAX_CONNECTIONS: '2',
  });
  for (let client = 0; client < 12; client++) {
    const socket = await udpSocket();
    const answered = once(socket, 'message');
    // A datagram that finds all places taken elsewhere is lost, and makes room for the next.
    const sending = setInterval(() => socket.send(`from ${client}`, port, '127.0.0.1'), 20);
    const [answer] = (await answered) as [Buffer];
    clearInterval(sending);
    expect(answer.toString()).toBe(`from ${client}`);
    expect((await status()).ports[0]?.live).toBeLessThanOrEqual(2);
  }
});

test.each([1, 3])(
  'answers over UDP leave from the address that was asked, with %i threads',
  async (workers) => {
    const target = await udpSocket();
    target.on('message', (datagram, { port, address }) => target.send(datagram, port, address));
    const { port } = await crew({ PORT: String(target.address().port), MODE: 'udp' }, workers);
    for (const host of ['127.0.0.1', '127.0.0.5', '127.0.0.6', '::1']) {
      const client = await udpSocket(host === '::1' ? 'udp6' : 'udp4');
      // Who is connected hears nobody else.
      client.connect(port, host);
      await once(client, 'connect');
      let heard = 0;
      client.on('message', () => heard++);
      for (let i = 0; i < 20; i++) client.send(Buffer.alloc(100));
      await expect.poll(() => heard).toBe(20);
    }
  },
);

test('a flood that is refused is two lines of the log, which count every datagram of every thread', async () => {
  const { relay, port, status } = await crew({ PORT: '9', MODE: 'udp', BLACKOUT: '1' });
  const clients = await Promise.all(Array.from({ length: 12 }, () => udpSocket()));
  for (let round = 1; round <= 5; round++) {
    for (let i = 0; i < 20; i++) for (const client of clients) client.send('x', port, '127.0.0.1');
    // So many find room in a buffer of the kernel's default size.
    await expect.poll(async () => (await status()).ports[0]?.refused).toBe(240 * round);
  }
  relay.process.kill('SIGTERM');
  await relay.ended;
  const refusals = relay.lines.filter(({ msg }) => msg.startsWith('refused'));
  expect(refusals).toEqual([
    expect.objectContaining({ msg: 'refused', rule: 'blackout' }),
    expect.objectContaining({ msg: expect.stringMatching(/^refused 1199 more in \d+ s$/), more: 1_199 }),
  ]);
});

test('all threads share one address book, one log and one word on failures', async () => {
  const asked: string[] = [];
  const answer = zone([a('api.test', '127.0.0.1')]);
  const nameserver = await scriptedServer((query, how) => {
    asked.push(query.questions?.[0]?.type ?? '?');
    return answer(query, how);
  });
  const dead = await closedPort();
  const { relay, port, status } = await crew({
    PORT: String(dead),
    TARGET: 'api.test',
    PRE_RESOLVE: '1',
    TARGET_SCOPE: 'any',
    NAMESERVERS: `${nameserver.address}:${nameserver.port}`,
  });
  const clients = await Promise.all(Array.from({ length: 12 }, () => tcpClient(port)));
  for (const client of clients) expect(await endOf(client)).toBe('ECONNRESET');
  expect((await status()).ports[0]?.lastFailure).toContain('ECONNREFUSED');
  relay.process.kill('SIGTERM');
  await relay.ended;
  const refusals = relay.lines.filter(({ msg }) => msg.startsWith('target unreachable'));
  expect(refusals).toEqual([
    expect.objectContaining({ msg: 'target unreachable', err: expect.stringContaining('ECONNREFUSED') }),
    expect.objectContaining({
      msg: expect.stringMatching(/^target unreachable 11 more in \d+ s$/),
      more: 11,
    }),
  ]);
  // All ask for the name again, as one address that refuses may have moved: once a second at most, for all together.
  expect(asked.filter((type) => type === 'A').length).toBeLessThanOrEqual(3);
});

test('the healthcheck passes, and a stop lets what lives finish', async () => {
  const target = await greeter();
  const { relay, port } = await crew({ PORT: String(target.port) });
  const client = await tcpClient(port);
  await readSome(client, 5);
  const health = await runHealthcheck({
    TARGET: '127.0.0.1',
    PORT: `${port}:${target.port}`,
    SALLYPORT_RUN_DIR: relay.runDir,
  });
  expect(health).toEqual({ code: 0, output: 'healthy\n' });
  relay.process.kill('SIGTERM');
  await relay.line('stopping');
  // Each thread is told; until then one that still listens may get a client.
  const refusal = () =>
    tcpClient(port).then(
      (late) => void late.destroy(),
      ({ code }: NodeJS.ErrnoException) => code,
    );
  await expect.poll(refusal).toBe('ECONNREFUSED');
  client.end();
  expect((await readAll(client)).length).toBe(0);
  expect((await relay.ended).code).toBe(0);
});

test('probes are answered by threads, at their own address beside that of BIND', async () => {
  const target = await httpServer((server) => server.on('request', (_request, response) => response.end()));
  const probes = { BIND: '::1', HTTP_HEALTHCHECK: '1' };
  const { relay, port } = await crew({ PORT: String(target), ...probes });
  const health = await runHealthcheck({
    TARGET: '127.0.0.1',
    PORT: `${port}:${target}`,
    SALLYPORT_RUN_DIR: relay.runDir,
    ...probes,
  });
  expect(health).toEqual({ code: 0, output: 'healthy\n' });
});

test('a second signal resets what lives in every thread', async () => {
  const target = await greeter();
  const { relay, port } = await crew({ PORT: String(target.port) });
  const clients = await Promise.all(Array.from({ length: 12 }, () => tcpClient(port)));
  await Promise.all(clients.map((client) => readSome(client, 5)));
  relay.process.kill('SIGTERM');
  await relay.line('stopping');
  relay.process.kill('SIGTERM');
  for (const client of clients) expect(await endOf(client)).toBe('ECONNRESET');
  expect((await relay.ended).code).toBe(0);
});

test('a thread that dies ends the program, which says why and resets what lives in the others', async () => {
  const target = await greeter();
  const preload = join(temporaryDirectory(), 'fault.cjs');
  const fault = `const { isMainThread, threadId } = require('node:worker_threads');
const signal = new BroadcastChannel('signal').unref();
if (isMainThread) process.on('SIGWINCH', () => signal.postMessage('now'));
else if (threadId === 1) signal.onmessage = () => { throw new Error('this thread is dying'); };`;
  writeFileSync(preload, fault);
  const { relay, port } = await crew({ PORT: String(target.port), NODE_OPTIONS: `--require=${preload}` });
  const clients = await Promise.all(Array.from({ length: 12 }, () => tcpClient(port)));
  await Promise.all(clients.map((client) => readSome(client, 5)));
  relay.process.kill('SIGWINCH');
  const endings = await Promise.all(clients.map(endOf));
  expect(endings).toContain('ECONNRESET');
  expect(await relay.line('failed')).toMatchObject({ level: 'fatal', err: 'this thread is dying' });
  expect((await relay.ended).code).toBe(1);
});

test.each(['tcp', 'udp'])('a port that is taken ends the program (%s)', async (mode) => {
  const taken = await closedPort();
  const first = startSallyport({ TARGET: 'localhost', MODE: mode, PORT: String(taken) });
  await first.line('listening');
  const second = startSallyport({ TARGET: 'localhost', MODE: mode, PORT: String(taken), WORKERS: '2' });
  const { code, output } = await second.ended;
  expect(code).toBe(1);
  expect(output).toMatch(new RegExp(`failed to listen on ${mode} port ${taken}: .*EADDRINUSE`));
});
