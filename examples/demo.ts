// The main job on loopback, without Docker or internet: `npm run demo`. Everything here stands in for what surrounds a relay: the
// target, the nameserver that knows it, and the app. The relay itself is the built program, started as a container would start it.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

import * as dnsPacket from 'dns-packet';

const NAME = 'api.demo.test';
const OTHER_NAME = 'www.demo.test';

async function main(): Promise<void> {
  const target = await startTarget();
  const nameserver = await startNameserver();
  say(
    `A target answers HTTP and UDP on 127.0.0.1:${target}. A nameserver knows it as ${NAME}. Nobody else does.`,
  );

  const runDir = mkdtempSync(join(tmpdir(), 'sallyport-demo-'));
  const common = {
    TARGET: NAME,
    PRE_RESOLVE: '1',
    NAMESERVERS: `127.0.0.1:${nameserver}`,
    TARGET_SCOPE: 'any',
  };
  const tcpPort = await freePort();
  const tcp = {
    ...common,
    PORT: `${tcpPort}:${target}`,
    SALLYPORT_RUN_DIR: join(runDir, 'tcp'),
    NAME_CHECK: 'enforce',
    HTTP_HEALTHCHECK: '1',
  };
  const udpPort = await freePort();
  const udp = {
    ...common,
    PORT: `${udpPort}:${target}`,
    SALLYPORT_RUN_DIR: join(runDir, 'udp'),
    MODE: 'udp',
  };

  say(`\n1. Two relays start, one for TCP and one for UDP. All they are told is in environment variables:`);
  say(`     ${describe(tcp)}\n     ${describe(udp)}`);
  const relays = [await startRelay(tcp), await startRelay(udp)];

  say(`\n2. name → address: the relay asks its nameserver for ${NAME}.`);
  const [byTcp, byUdp] = relays;
  say(`     over TCP: ${NAME} → ${await byTcp?.resolved}`);
  say(`     over UDP: ${NAME} → ${await byUdp?.resolved}`);

  say(
    `\n3. address → bytes: an app that knows only the relay (127.0.0.1:${tcpPort}) asks for http://${NAME}/hello`,
  );
  for (const path of ['/hello', '/a-large-reply']) {
    const { status, body } = await request(tcpPort, path, NAME);
    say(`     GET ${path} → ${status}, ${body.length} bytes: ${body.split('\n')[0]}`);
  }

  say(`\n4. The wall: the same app asks there for http://${OTHER_NAME}/`);
  const refused = await request(tcpPort, '/', OTHER_NAME);
  say(`     GET / → ${refused.status}, ${refused.body.trim()}`);
  if (refused.status !== 403) throw new Error('the other name should have been refused');

  say(`\n5. One datagram through the UDP relay (127.0.0.1:${udpPort}), and its answer:`);
  say(`     ping → ${await exchange(udpPort, 'ping')}`);

  say(`\n6. The healthcheck, which sends a request of its own through the relay:`);
  const { code, output } = await runProgram('healthcheck', tcp);
  say(`     ${output.trim()} (exit ${code})`);
  if (code !== 0) throw new Error('the healthcheck should have been healthy');

  say(`\n7. SIGTERM: the relays drain and stop.`);
  for (const relay of relays) say(`     exit ${String(await relay.stop())}`);
  rmSync(runDir, { recursive: true });
  say(
    `\nThat is all it does. In Docker the relay carries the target's own name on an internal network: see examples/quickstart.`,
  );
}

/** HTTP over TCP and an echo over UDP on the same port number. */
async function startTarget(): Promise<number> {
  const http = createHttpServer((question, answer) => {
    const size = question.url === '/hello' ? 0 : 1_000_000;
    answer.end(`hello from ${question.headers.host}\n${'.'.repeat(size)}`);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;

  const udp = createSocket('udp4').bind(port, '127.0.0.1');
  udp.on('message', (datagram, from) => udp.send(`pong to '${String(datagram)}'`, from.port, from.address));
  await once(udp, 'listening');
  return port;
}

/** Knows one name, which is on loopback. */
async function startNameserver(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  socket.on('message', (datagram, from) => {
    const { id = 0, questions = [] } = dnsPacket.decode(datagram);
    const isKnown = questions[0]?.name.toLowerCase() === NAME && questions[0].type === 'A';
    const answers = isKnown ? [{ type: 'A', name: NAME, ttl: 60, data: '127.0.0.1' } as const] : [];
    const flags = dnsPacket.AUTHORITATIVE_ANSWER;
    const answer = dnsPacket.encode({ type: 'response', id, flags, questions, answers });
    socket.send(answer, from.port, from.address);
  });
  await once(socket, 'listening');
  return socket.address().port;
}

async function startRelay(environment: Record<string, string>) {
  const child = spawn(process.execPath, ['--disable-sigusr1', program('sallyport')], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill());
  const exited = once(child, 'exit');
  const said = new Map([
    ['listening', Promise.withResolvers<Record<string, unknown>>()],
    ['name resolved', Promise.withResolvers<Record<string, unknown>>()],
  ]);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { msg, ...fields } = JSON.parse(line) as Record<string, unknown> & { msg: string };
    said.get(msg)?.resolve(fields);
  });
  const hasFailed = exited.then(([code]) => {
    throw new Error(`the relay ended too early, with ${code}`);
  });
  hasFailed.catch(() => {});
  await Promise.race([said.get('listening')?.promise, hasFailed]);
  return {
    resolved: said.get('name resolved')?.promise.then(({ addresses }) => String(addresses)),
    async stop(): Promise<unknown> {
      child.kill('SIGTERM');
      const [code] = await exited;
      return code;
    },
  };
}

async function runProgram(name: 'healthcheck', environment: Record<string, string>) {
  const child = spawn(process.execPath, ['--disable-sigusr1', program(name)], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return { code, output };
}

async function request(port: number, path: string, host: string) {
  const [answer] = (await once(
    get({ host: '127.0.0.1', port, path, agent: false, headers: { host } }),
    'response',
  )) as [IncomingMessage];
  return { status: answer.statusCode, body: await text(answer) };
}

async function exchange(port: number, question: string): Promise<string> {
  const socket = createSocket('udp4');
  socket.send(question, port, '127.0.0.1');
  const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(5_000) });
  socket.close();
  return String(answer);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

function describe(environment: Record<string, string>): string {
  return Object.entries(environment)
    .filter(([name]) => name !== 'SALLYPORT_RUN_DIR')
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function program(name: 'sallyport' | 'healthcheck'): string {
  return join(import.meta.dirname, `../dist/${name}.js`);
}

function say(line: string): void {
  console.log(line);
}

await main();
process.exit(0);
