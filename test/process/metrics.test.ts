import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';

import { describe, expect, onTestFinished, test } from 'vitest';

import { ask, scrape } from '../helpers/metrics.ts';
import { startSallyport } from '../helpers/program.ts';
import {
  closedPort,
  errorOf,
  readAll,
  readSome,
  tcpClient,
  tcpServer,
  udpSocket,
} from '../helpers/sockets.ts';

/** A relay that tells metrics, of each of these target ports; with the ports that it listens on. */
async function monitored(targets: readonly number[], environment: Readonly<Record<string, string>> = {}) {
  const admin = await closedPort();
  const ports = await Promise.all(targets.map(closedPort));
  const relay = startSallyport({
    TARGET: '127.0.0.1',
    PORT: ports.map((port, i) => `${port}:${targets[i]}`).join(' '),
    ADMIN_PORT: String(admin),
    VERBOSE: '1',
    ...environment,
  });
  await relay.line('listening');
  return { relay, ports, admin };
}

/** A forward proxy that tells metrics, to these target ports of localhost. */
async function monitoredProxy(...targets: readonly number[]) {
  const [admin, proxy] = [await closedPort(), await closedPort()];
  const relay = startSallyport({
    TARGET: 'localhost',
    TARGET_SCOPE: 'any',
    MODE: 'http-proxy',
    NAME_CHECK: 'off',
    LISTEN: String(proxy),
    PORT: targets.join(' '),
    ADMIN_PORT: String(admin),
    VERBOSE: '1',
  });
  await relay.line('listening');
  return { relay, proxy, admin };
}

describe.each(['1', '2'])('with WORKERS=%s', (WORKERS) => {
  test('metrics tell what moves while it moves, how many there are, and what was refused', async () => {
    const { port: target } = await tcpServer((socket) => socket.pipe(socket));
    const { ports, admin } = await monitored([target, await closedPort()], { WORKERS, MAX_CONNECTIONS: '3' });
    const [port = 0, dead = 0] = ports;
    const clients = await Promise.all(Array.from({ length: 3 }, () => tcpClient(port)));
    for (const client of clients) {
      client.write(Buffer.alloc(100_000));
      await readSome(client, 100_000);
    }
    await tcpClient(port);
    for (let i = 0; i < 2; i++) expect(await errorOf(connect(dead, '127.0.0.1'))).toBe('ECONNRESET');

    await expect
      .poll(() => scrape(admin))
      .toMatchObject({
        [`sallyport_connections_total{port="${port}"}`]: 4,
        [`sallyport_connections_live{port="${port}"}`]: 3,
        [`sallyport_connections_waiting{port="${port}"}`]: 1,
        [`sallyport_connections_limit{port="${port}"}`]: 3,
        [`sallyport_bytes_total{port="${port}",direction="sent"}`]: 300_000,
        [`sallyport_bytes_total{port="${port}",direction="received"}`]: 300_000,
        [`sallyport_connect_seconds_count{port="${port}"}`]: 3,
        [`sallyport_connect_seconds_bucket{port="${port}",le="10"}`]: 3,
        [`sallyport_connections_total{port="${dead}"}`]: 2,
        [`sallyport_connections_live{port="${dead}"}`]: 0,
        [`sallyport_refused_total{port="${dead}",reason="target unreachable"}`]: 2,
        [`sallyport_connect_seconds_count{port="${dead}"}`]: 0,
      });
    expect(await scrape(admin)).not.toHaveProperty([
      `sallyport_refused_total{port="${port}",reason="target unreachable"}`,
    ]);
  });

  test('metrics tell that UDP_ANSWERS=0 has one session and no limit', async () => {
    const target = await udpSocket();
    const environment = { WORKERS, MODE: 'udp', UDP_ANSWERS: '0', MAX_CONNECTIONS: '5' };
    const { ports, admin } = await monitored([target.address().port], environment);
    const [port = 0] = ports;
    const arrived = once(target, 'message');
    (await udpSocket()).send('event', port, '127.0.0.1');
    await arrived;
    expect(await scrape(admin)).toMatchObject({
      [`sallyport_connections_limit{port="${port}"}`]: Infinity,
      [`sallyport_connections_live{port="${port}"}`]: 1,
    });
  });

  test('metrics tell the datagrams of UDP sessions, and who was not answered', async () => {
    const target = await udpSocket();
    target.on('message', (datagram, { port, address }) => {
      if (datagram.length > 1) target.send(datagram.subarray(1), port, address);
    });
    const environment = { WORKERS, MODE: 'udp', UDP_TIMEOUT_MS: '2000' };
    const { relay, ports, admin } = await monitored([target.address().port], environment);
    const [port = 0] = ports;
    for (const datagram of ['12345', '123', '1']) {
      const client = await udpSocket();
      const answered = datagram.length > 1 ? once(client, 'message') : null;
      client.send(datagram, port, '127.0.0.1');
      await answered;
    }
    const expected = {
      [`sallyport_connections_total{port="${port}"}`]: 3,
      [`sallyport_bytes_total{port="${port}",direction="sent"}`]: 9,
      [`sallyport_bytes_total{port="${port}",direction="received"}`]: 6,
      [`sallyport_datagrams_lost_total{port="${port}"}`]: 0,
    };
    await expect.poll(() => scrape(admin)).toMatchObject(expected);
    await expect.poll(() => relay.lines.filter(({ msg }) => msg === 'session ended').length).toBe(3);
    expect(await scrape(admin)).toMatchObject({
      ...expected,
      [`sallyport_connections_live{port="${port}"}`]: 0,
      [`sallyport_unanswered_total{port="${port}"}`]: 1,
    });
  });
});

test('an HTTP answer is counted while it comes, and to the byte when its connection has ended', async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<ServerResponse>();
  const server = createServer((asked, answer) => {
    asked.resume().once('end', () => answer.write('x'.repeat(50_000)));
    begin(answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port: target } = server.address() as AddressInfo;
  const { relay, proxy, admin } = await monitoredProxy(target);
  const bytes = (direction: string) => `sallyport_bytes_total{port="${proxy}",direction="${direction}"}`;

  const path = `http://localhost:${target}/`;
  const asking = request({ port: proxy, host: '127.0.0.1', method: 'POST', path, agent: false });
  asking.end(Buffer.alloc(70_000));
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  await expect.poll(async () => (await scrape(admin))[bytes('received')]).toBeGreaterThan(50_000);
  expect((await scrape(admin))[bytes('sent')]).toBeGreaterThan(70_000);
  (await begun).end('the end');
  expect(await text(answer)).toMatch(/the end$/);
  await relay.line('connection ended');
  const { socket } = (await begun).req;
  const samples = await scrape(admin);
  expect([samples[bytes('sent')], samples[bytes('received')]]).toEqual([
    socket.bytesRead,
    socket.bytesWritten,
  ]);
});

test('a tunnel is counted to the byte, and so is who asks a proxy for what is not listed', async () => {
  const { port: target } = await tcpServer((socket) => socket.once('data', () => socket.end('pong!')));
  const { proxy, admin } = await monitoredProxy(target);
  const client = await tcpClient(proxy);
  client.write(`CONNECT localhost:${target} HTTP/1.1\r\nHost: localhost:${target}\r\n\r\n`);
  await readSome(client);
  client.end('ping');
  expect((await readAll(client)).toString()).toBe('pong!');

  const stranger = await tcpClient(proxy);
  stranger.write('GET http://other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n');
  expect((await readAll(stranger)).toString()).toMatch(/^HTTP\/1\.1 403 /);
  expect(await scrape(admin)).toMatchObject({
    [`sallyport_connections_total{port="${proxy}"}`]: 2,
    [`sallyport_bytes_total{port="${proxy}",direction="sent"}`]: 4,
    [`sallyport_bytes_total{port="${proxy}",direction="received"}`]: 5,
    [`sallyport_refused_total{port="${proxy}",reason="not in TARGET"}`]: 1,
  });
});

test('datagrams that come faster than they are read are counted, and logged once', async () => {
  const target = await udpSocket();
  const { relay, ports, admin } = await monitored([target.address().port], { MODE: 'udp' });
  const [port = 0] = ports;
  const client = await udpSocket();
  relay.process.kill('SIGSTOP');
  // More than the receive buffer that the relay asks for, 4 MiB, whatever the kernel gives of it.
  for (let i = 0; i < 200; i++)
    await new Promise((sent) => client.send(Buffer.alloc(60_000), port, '127.0.0.1', sent));
  relay.process.kill('SIGCONT');
  await expect
    .poll(async () => (await scrape(admin))[`sallyport_datagrams_lost_total{port="${port}"}`])
    .toBeGreaterThan(0);
  const line = await relay.line('datagrams lost: they come faster than they can be relayed');
  expect(line).toMatchObject({ level: 'warn', port });
  expect(line['lost']).toBe((await scrape(admin))[`sallyport_datagrams_lost_total{port="${port}"}`]);
});

test.each([
  ['', {}],
  [', without node:ffi too', { NODE_OPTIONS: '--no-experimental-ffi' }],
])('the admin port answers GET and HEAD, and knows its pages alone%s', async (_, environment) => {
  const { admin } = await monitored([await closedPort()], environment);
  const metrics = await ask(admin, '/metrics?x');
  expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(metrics.text).toMatch(/^sallyport_info\{version="\d+\.\d+\.\d+",mode="tcp"\} 1$/m);
  expect(metrics.text).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect(metrics.text).not.toContain('process_heap_bytes');
  expect(await ask(admin, '/metrics', 'HEAD')).toMatchObject({ status: 200, text: '' });
  expect(await ask(admin, '/elsewhere')).toMatchObject({
    status: 404,
    text: 'there is /, /status.json, /metrics, /healthz, /readyz\n',
  });
  const posted = await ask(admin, '/metrics', 'POST');
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('an admin port that is taken ends the program', async () => {
  const { port: taken } = await tcpServer(() => {});
  const port = await closedPort();
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:1`, ADMIN_PORT: String(taken) });
  const { code, output } = await relay.ended;
  expect(code).toBe(1);
  expect(output).toMatch(
    new RegExp(`failed to listen on admin tcp port ${taken} at 127.0.0.1: .*EADDRINUSE`),
  );
});

test('without ADMIN_PORT nothing listens beside the relay’s own ports', async () => {
  const relay = startSallyport({
    TARGET: '127.0.0.1',
    PORT: `${await closedPort()}:1`,
    ADMIN_HOST: '127.0.0.1',
  });
  expect((await relay.line('listening'))['admin']).toBe(null);
});
